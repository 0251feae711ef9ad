"""What the page says, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Texts of one language; braces are filled in."""

    language: str
    title: str
    today: str
    members: str
    members_note: str
    repeat: str
    repeat_note: str
    coupons: str
    coupons_note: str
    matters: str
    matters_note: str
    by_day: str
    by_hour: str
    by_store: str
    by_stamp: str
    stamp_out: str
    alarms: str
    alarm_of: str
    suspended: str
    kinds: Mapping[str, str]
    messages: str
    came_back: str
    segments: str
    segment_card: str
    segment_card_gone: str
    segment_gone: str
    segment_once: str
    segment_coupon: str
    people: str
    presses: str
    presses_of: str
    last_days: str
    hour: str
    nothing: str
    updated: str
    sign_in: str
    sign_in_note: str
    key: str
    enter: str
    wrong_key: str
    sign_out: str
    weekdays: str


KOREAN: Final = Words(
    language="ko",
    title="매장 현황",
    today="오늘 고객 {customers}명, 스탬프 {stamps}개",
    members="회원",
    members_note="최근 {days}일 방문 {came}명",
    repeat="재방문율",
    repeat_note="{came}명 중 {again}명이 이틀 이상 방문",
    coupons="사용 가능한 쿠폰",
    coupons_note="스탬프 {card}개에 1장",
    matters="확인할 일",
    matters_note="경보 {alarms}건, 검토 {in_review}건",
    by_day="일별 스탬프 찍은 횟수",
    by_hour="시간대별",
    by_store="매장별",
    by_stamp="스탬프별",
    stamp_out="사용 중지",
    alarms="열린 경보",
    alarm_of="{time} · 스탬프 {stamp} · 관련 기록 {presses}건",
    suspended="이 스탬프는 자동으로 정지되었습니다. 이의를 제기할 수 있습니다.",
    kinds={
        "away_from_store": "매장 밖에서 사용",
        "two_places": "한 스탬프가 두 장소에서 사용",
        "impossible_travel": "한 고객이 불가능한 속도로 이동",
        "outside_hours": "영업 시간 외 사용",
        "stamp_burst": "한 스탬프를 짧은 시간에 많이 사용",
        "device_burst": "한 휴대폰에서 짧은 시간에 많이 사용",
        "staff_self_stamping": "직원이 자기 카드에 적립",
        "device_of_many_members": "한 휴대폰으로 여러 고객이 적립",
        "mocked_place": "조작된 위치",
        "no_place": "위치 정보 없음",
        "cloned_pattern": "복제된 스탬프",
    },
    messages="보낸 메시지",
    came_back="{sent}명에게 보냄 · {came}명 다시 방문 · {redeemed}명 쿠폰 사용",
    segments="고객 그룹",
    segment_card="스탬프 {stamps}개에서 멈춘 고객",
    segment_card_gone="스탬프 {stamps}개, 30일 동안 미방문",
    segment_gone="30일 이상 미방문",
    segment_once="한 번만 오고 14일 이상 미방문",
    segment_coupon="쿠폰을 가지고 있는 고객",
    people="{count}명",
    presses="{count}회",
    presses_of="{count}회 · 고객 {customers}명",
    last_days="최근 {days}일",
    hour="{hour}시",
    nothing="아직 기록이 없습니다",
    updated="{time} 기준",
    sign_in="매장 현황 보기",
    sign_in_note="매장 서버 키를 입력하세요. 키는 저장되지 않습니다.",
    key="매장 키",
    enter="들어가기",
    wrong_key="이 키로는 볼 수 없습니다.",
    sign_out="나가기",
    weekdays="월화수목금토일",
)
ENGLISH: Final = Words(
    language="en",
    title="Your shop",
    today="{customers} customers, {stamps} stamps today",
    members="Members",
    members_note="{came} came in the last {days} days",
    repeat="Repeat rate",
    repeat_note="{again} of {came} came on more than one day",
    coupons="Coupons to be used",
    coupons_note="one for {card} stamps",
    matters="To look at",
    matters_note="{alarms} alarms, {in_review} presses in review",
    by_day="Presses by day",
    by_hour="By hour",
    by_store="By store",
    by_stamp="By stamp",
    stamp_out="out of use",
    alarms="Open alarms",
    alarm_of="{time} · stamp {stamp} · {presses} presses behind it",
    suspended="This stamp was suspended automatically; you may appeal.",
    kinds={
        "away_from_store": "Used away from the store",
        "two_places": "One stamp in two places",
        "impossible_travel": "One customer faster than possible",
        "outside_hours": "Used outside opening hours",
        "stamp_burst": "One stamp pressed very often",
        "device_burst": "One phone pressed very often",
        "staff_self_stamping": "Staff stamp their own cards",
        "device_of_many_members": "One phone for many customers",
        "mocked_place": "Made-up place",
        "no_place": "No place was given",
        "cloned_pattern": "Copied stamp",
    },
    messages="Messages sent",
    came_back="sent to {sent} · {came} came back · {redeemed} redeemed",
    segments="Groups of customers",
    segment_card="Stopped at {stamps} stamps",
    segment_card_gone="{stamps} stamps, not seen for 30 days",
    segment_gone="Not seen for 30 days",
    segment_once="Came once, not seen for 14 days",
    segment_coupon="Have a coupon to use",
    people="{count}",
    presses="{count} presses",
    presses_of="{count} presses · {customers} customers",
    last_days="last {days} days",
    hour="{hour}:00",
    nothing="Nothing here yet",
    updated="as of {time}",
    sign_in="See your shop",
    sign_in_note="Enter the key of your shop's server. It is not kept.",
    key="Key",
    enter="Enter",
    wrong_key="This key does not open a shop.",
    sign_out="Leave",
    weekdays="MTWTFSS",
)
LANGUAGES: Final = {"ko": KOREAN, "en": ENGLISH}
