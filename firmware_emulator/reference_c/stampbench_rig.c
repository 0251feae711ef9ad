/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of a rig on the stampbench link. */
#include "stampbench_rig.h"

#include <string.h>

#define FIRST_COMMAND 0x40u
#define LAST_COMMAND 0x7Fu

/* A packet takes a number only if it was sent [S2]. */
static int sent(sb_rig *rig, size_t size)
{
    if (size == 0 || !rig->setup->send(rig->setup->port, rig->setup->wire, size))
        return 0;
    rig->sequence++;
    return 1;
}

static int send_identity(sb_rig *rig)
{
    const sb_rig_setup *it = rig->setup;

    return sent(rig, sb_put_identity(it->wire, it->room, rig->sequence, rig->now_us, it->identity));
}

static void send_heartbeat(sb_rig *rig)
{
    const sb_rig_setup *it = rig->setup;
    sb_heartbeat beat;

    beat.scans = rig->scans;
    beat.reports = rig->reports;
    beat.dropped = rig->dropped;
    beat.host_errors = rig->receiver.errors;
    beat.last_command = rig->last_command;
    beat.pressing = rig->pressing;
    sent(rig, sb_put_heartbeat(it->wire, it->room, rig->sequence, rig->now_us, &beat));
}

/* An answer or a press done that finds no room is owed, and goes out before anything else. */
static int pay(sb_rig *rig)
{
    const sb_rig_setup *it = rig->setup;

    if (rig->done_due && sent(rig, sb_put_press_done(it->wire, it->room, rig->sequence, rig->now_us, rig->press_command,
                                                     rig->done_aborted, rig->press_reports, rig->press_dropped)))
        rig->done_due = 0;
    if (rig->done_due)
        return 0;
    if (rig->answer_due) {
        uint32_t before = rig->last_command;

        rig->last_command = rig->owed_command;
        if (sent(rig, sb_put_answer(it->wire, it->room, rig->sequence, rig->now_us, rig->owed_command, rig->owed_type,
                                    (enum sb_status)rig->owed_status, rig->owed_text)))
            rig->answer_due = 0;
        else
            rig->last_command = before;
    }
    return !rig->answer_due;
}

static void answer(sb_rig *rig, const sb_packet *packet, enum sb_status status, const char *text)
{
    rig->owed_command = packet->sequence;
    rig->owed_type = packet->type;
    rig->owed_status = (uint8_t)status;
    rig->owed_text = text;
    rig->answer_due = 1;
    pay(rig);
}

static void press_ends(sb_rig *rig, uint8_t aborted)
{
    rig->pressing = 0;
    rig->done_aborted = aborted;
    rig->done_due = 1;
    pay(rig);
}

static enum sb_status set_streams(sb_rig *rig, const sb_packet *packet, const char **text)
{
    const sb_rig_setup *it = rig->setup;
    uint8_t kinds;

    if (!sb_get_stream(packet, &kinds)) {
        *text = "stream: must be one byte, 0 to 7";
        return SB_BAD_ARGUMENT;
    }
    if ((kinds & SB_STREAM_RAW_FRAMES) || ((kinds & SB_STREAM_HID_REPORTS) && it->digitizer == 0)) {
        *text = "stream: this rig does not send all of these kinds";
        return SB_UNSUPPORTED;
    }
    if (kinds & SB_STREAM_HID_REPORTS) { /* the descriptor, then the answer [C7] */
        uint8_t descriptor[SB_HID_DESCRIPTOR_SIZE(10)];
        size_t size = sb_hid_descriptor(descriptor, sizeof descriptor, it->digitizer);

        if (size == 0 || !sent(rig, sb_put_bytes(it->wire, it->room, rig->sequence, rig->now_us, SB_HID_DESCRIPTOR,
                                                 descriptor, size))) {
            *text = "stream: no room for the HID descriptor, ask again";
            return SB_BAD_ARGUMENT;
        }
    }
    rig->streams = kinds;
    return SB_OK;
}

static enum sb_status begin_press(sb_rig *rig, const sb_packet *packet, const char **text)
{
    sb_press press;
    enum sb_status status;

    if (!sb_get_press(packet, &press)) {
        *text = "press: payload is no press";
        return SB_BAD_ARGUMENT;
    }
    if (rig->setup->press == 0)
        return SB_MANUAL;
    if (rig->pressing) { /* [C10] */
        *text = "a press is under way; wait for its end or reset";
        return SB_BAD_ARGUMENT;
    }
    status = rig->setup->press(rig->setup->port, &press, text);
    if (status == SB_OK) {
        rig->pressing = 1;
        rig->press_command = packet->sequence;
        rig->press_reports = rig->press_dropped = 0;
    }
    return status;
}

static void obey(sb_rig *rig, const sb_packet *packet)
{
    const sb_rig_setup *it = rig->setup;
    enum sb_status status = SB_OK;
    const char *text = "";

    if (packet->truncated) {
        answer(rig, packet, SB_BAD_ARGUMENT, "command is longer than this rig takes");
        return;
    }
    switch (packet->type) {
    case SB_IDENTIFY:
    case SB_RESET:
        if (!sb_get_nothing(packet)) {
            status = SB_BAD_ARGUMENT;
            text = "payload must be empty";
        } else if (packet->type == SB_IDENTIFY) { /* identity, heartbeat, answer [C5] */
            send_identity(rig);
            send_heartbeat(rig);
        } else {
            if (it->reset != 0)
                it->reset(it->port);
            if (rig->pressing)
                press_ends(rig, 1);
            rig->streams = SB_STREAM_CONTACTS;
        }
        break;
    case SB_STREAM: status = set_streams(rig, packet, &text); break;
    case SB_CONFIGURE:
        if (it->configure == 0) {
            status = SB_UNSUPPORTED;
            text = "configure: the panel of this rig is real";
        } else if (rig->pressing) {
            status = SB_BAD_ARGUMENT;
            text = "a press is under way; wait for its end or reset";
        } else {
            status = it->configure(it->port, packet->payload, packet->size, &text);
        }
        break;
    case SB_PRESS: status = begin_press(rig, packet, &text); break;
    default:
        status = SB_UNSUPPORTED;
        text = "no command that this rig knows";
    }
    answer(rig, packet, status, text);
}

void sb_rig_begin(sb_rig *rig, const sb_rig_setup *setup, uint32_t now_us)
{
    memset(rig, 0, sizeof *rig);
    rig->setup = setup;
    rig->now_us = rig->heartbeat_us = now_us;
    rig->last_command = SB_NO_COMMAND;
    rig->streams = SB_STREAM_CONTACTS;
    sb_receive_begin(&rig->receiver, setup->command, setup->command_room);
    send_identity(rig);
}

void sb_rig_heard(sb_rig *rig, const uint8_t *bytes, size_t size, uint32_t now_us)
{
    size_t i;
    sb_packet packet;

    rig->now_us = now_us;
    for (i = 0; i < size; i++)
        if (sb_receive(&rig->receiver, bytes[i], &packet) && packet.type >= FIRST_COMMAND && packet.type <= LAST_COMMAND)
            obey(rig, &packet);
}

void sb_rig_scan(sb_rig *rig, const sb_contact *contacts, uint8_t count, uint32_t scan_us)
{
    const sb_rig_setup *it = rig->setup;

    rig->now_us = scan_us;
    rig->scans++;
    pay(rig);
    if ((rig->streams & SB_STREAM_HID_REPORTS) && it->digitizer != 0) { /* ahead of its contacts [R7] */
        uint8_t report[SB_HID_REPORT_SIZE(10)];
        uint16_t scan_time = sb_scan_time(&rig->scan_clock, scan_us);
        size_t first = 0;

        do {
            size_t size = sb_hid_report(report, sizeof report, it->digitizer, contacts, count, (uint8_t)first, scan_time);

            if (size > 0)
                sent(rig, sb_put_bytes(it->wire, it->room, rig->sequence, scan_us, SB_HID_REPORT, report, size));
            first += it->digitizer->per_report;
        } while (first < count);
    }
    if (!(rig->streams & SB_STREAM_CONTACTS))
        return;
    if (!rig->done_due && !rig->answer_due &&
        sent(rig, sb_put_contacts(it->wire, it->room, rig->sequence, scan_us, contacts, count))) {
        rig->reports++;
        rig->press_reports += rig->pressing;
    } else {
        rig->dropped++;
        rig->press_dropped += rig->pressing;
    }
}

void sb_rig_press_over(sb_rig *rig, uint32_t now_us)
{
    rig->now_us = now_us;
    if (rig->pressing)
        press_ends(rig, 0);
}

void sb_rig_tick(sb_rig *rig, uint32_t now_us)
{
    rig->now_us = now_us;
    pay(rig);
    if (now_us - rig->heartbeat_us >= SB_HEARTBEAT_EVERY_US) {
        rig->heartbeat_us = now_us;
        send_heartbeat(rig);
    }
}
