/* SPDX-License-Identifier: Apache-2.0 */
/* HID input reports of a touchscreen; several for one scan with more contacts than a report holds. */
#include "stampbench.h"

#include <string.h>

#define REPORT_ID 1u
#define FEATURE_REPORT_ID 2u
#define EXPONENT_MM_100 0x0Du /* centimetres times 10^-3 */
#define UNIT_CM 0x11u
#define SCAN_TIME_US 100u

static uint8_t *little_endian(uint8_t *place, uint32_t value)
{
    *place++ = (uint8_t)(value & 0xFFu);
    *place++ = (uint8_t)(value >> 8 & 0xFFu);
    return place;
}

size_t sb_hid_report(uint8_t *report, size_t room, const sb_digitizer *digitizer, const sb_contact *contacts,
                     uint8_t count, uint8_t first, uint16_t scan_time)
{
    size_t size = SB_HID_REPORT_SIZE((size_t)digitizer->per_report);
    uint8_t *place = report, *trailer;
    size_t i;

    if (size > room || digitizer->per_report == 0)
        return 0;
    memset(report, 0, size);
    trailer = report + size - 3;
    *place++ = REPORT_ID;
    for (i = first; i < count && i < (size_t)first + digitizer->per_report; i++) {
        const sb_contact *contact = &contacts[i];

        if (contact->x > digitizer->x_max || contact->y > digitizer->y_max)
            return 0;
        *place++ = contact->tip ? 1 : 0;
        *place++ = contact->id;
        place = little_endian(place, contact->x);
        place = little_endian(place, contact->y);
    }
    trailer = little_endian(trailer, scan_time);
    *trailer = first == 0 ? count : 0;
    return size;
}

uint16_t sb_scan_time(sb_scan_clock *clock, uint32_t time_us)
{
    uint32_t passed_us = time_us - clock->last_us + clock->rest_us;

    clock->last_us = time_us;
    clock->ticks = (uint16_t)(clock->ticks + passed_us / SCAN_TIME_US);
    clock->rest_us = passed_us % SCAN_TIME_US;
    return clock->ticks;
}

typedef struct {
    uint8_t *place;
    size_t room, size;
} items;

static void item(items *to, uint8_t prefix, uint16_t value, uint8_t size)
{
    static const uint8_t size_bits[5] = {0, 1, 2, 0, 3};
    uint8_t i;

    if (to->size + 1u + size > to->room) {
        to->size = to->room + 1u;
        return;
    }
    to->place[to->size++] = (uint8_t)(prefix | size_bits[size]);
    for (i = 0; i < size; i++)
        to->place[to->size++] = (uint8_t)(i < 2 ? (unsigned)value >> (8u * i) & 0xFFu : 0u);
}

static void axis(items *to, uint8_t usage, uint16_t maximum, uint16_t size_mm_100)
{
    item(to, 0x24, maximum, 2);
    item(to, 0x44, size_mm_100, 2);
    item(to, 0x08, usage, 1);
    item(to, 0x80, 0x02, 1);
}

/* A value of one byte is signed, so that 128 and more take two. */
static void count_item(items *to, uint8_t prefix, uint8_t value)
{
    item(to, prefix, value, value < 0x80 ? 1 : 2);
}

size_t sb_hid_descriptor(uint8_t *descriptor, size_t room, const sb_digitizer *digitizer)
{
    items to;
    uint8_t i;

    to.place = descriptor;
    to.room = room;
    to.size = 0;
    item(&to, 0x04, 0x0D, 1); /* usage page: digitizers */
    item(&to, 0x08, 0x04, 1); /* usage: touch screen */
    item(&to, 0xA0, 0x01, 1); /* collection: application */
    item(&to, 0x84, REPORT_ID, 1);
    for (i = 0; i < digitizer->per_report; i++) {
        item(&to, 0x04, 0x0D, 1);
        item(&to, 0x08, 0x22, 1); /* usage: finger */
        item(&to, 0xA0, 0x02, 1); /* collection: logical */
        item(&to, 0x14, 0, 1);
        item(&to, 0x24, 1, 1);
        item(&to, 0x08, 0x42, 1); /* tip switch, one bit and seven of padding */
        item(&to, 0x74, 1, 1);
        item(&to, 0x94, 1, 1);
        item(&to, 0x80, 0x02, 1);
        item(&to, 0x94, 7, 1);
        item(&to, 0x80, 0x03, 1);
        item(&to, 0x24, 0xFF, 2);
        item(&to, 0x08, 0x51, 1); /* contact id */
        item(&to, 0x74, 8, 1);
        item(&to, 0x94, 1, 1);
        item(&to, 0x80, 0x02, 1);
        item(&to, 0x04, 0x01, 1); /* usage page: generic desktop */
        item(&to, 0x74, 16, 1);
        item(&to, 0x54, EXPONENT_MM_100, 1);
        item(&to, 0x64, UNIT_CM, 1);
        item(&to, 0x34, 0, 1);
        axis(&to, 0x30, digitizer->x_max, digitizer->width_mm_100);
        axis(&to, 0x31, digitizer->y_max, digitizer->height_mm_100);
        item(&to, 0x44, 0, 1); /* no physical size for what follows */
        item(&to, 0x54, 0, 1);
        item(&to, 0x64, 0, 1);
        item(&to, 0xC0, 0, 0);
    }
    item(&to, 0x04, 0x0D, 1);
    item(&to, 0x24, 0xFFFF, 4);
    item(&to, 0x54, 0x0C, 1); /* scan time in 10^-4 s */
    item(&to, 0x64, 0x1001, 2);
    item(&to, 0x08, 0x56, 1);
    item(&to, 0x80, 0x02, 1);
    item(&to, 0x54, 0, 1);
    item(&to, 0x64, 0, 1);
    count_item(&to, 0x24, digitizer->contact_limit);
    item(&to, 0x08, 0x54, 1); /* contact count */
    item(&to, 0x74, 8, 1);
    item(&to, 0x80, 0x02, 1);
    item(&to, 0x84, FEATURE_REPORT_ID, 1);
    item(&to, 0x08, 0x55, 1); /* contact count maximum */
    item(&to, 0xB0, 0x02, 1);
    item(&to, 0xC0, 0, 0);
    return to.size > room ? 0 : to.size;
}
