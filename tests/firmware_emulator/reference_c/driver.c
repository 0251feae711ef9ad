/* Reads cases from standard input, a line each, and writes the bytes that the reference makes of them in hex. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stampbench.h"

#define LONGEST 40000

static uint8_t wire[SB_WIRE_SIZE(LONGEST)];
static uint8_t data[LONGEST];
static sb_contact contacts[255];
static int16_t deltas[LONGEST / 2];

static unsigned long number(void)
{
    unsigned long value = 0;

    if (scanf("%lu", &value) != 1)
        exit(1);
    return value;
}

/* Bytes as their count and two hexadecimal digits each. */
static size_t bytes(uint8_t *place, size_t room)
{
    size_t i, size = number();

    if (size >= room)
        exit(1);
    for (i = 0; i < size; i++) {
        unsigned value;

        if (scanf("%2x", &value) != 1)
            exit(1);
        place[i] = (uint8_t)value;
    }
    place[size] = 0;
    return size;
}

static uint8_t read_contacts(void)
{
    size_t i, count = number();

    for (i = 0; i < count; i++) {
        contacts[i].id = (uint8_t)number();
        contacts[i].tip = (uint8_t)number();
        contacts[i].x = (uint16_t)number();
        contacts[i].y = (uint16_t)number();
        contacts[i].size = (uint16_t)number();
        contacts[i].cancelled = (uint8_t)number();
    }
    return (uint8_t)count;
}

static size_t identity(size_t room, uint32_t sequence, uint32_t time_us)
{
    static char texts[4][300];
    sb_identity it;
    int i;

    it.contact_limit = (uint8_t)number();
    it.capabilities = (uint16_t)number();
    it.x_max = (uint16_t)number();
    it.y_max = (uint16_t)number();
    it.width_um = (uint32_t)number();
    it.height_um = (uint32_t)number();
    it.interval_us = (uint32_t)number();
    it.rows = (uint8_t)number();
    it.columns = (uint8_t)number();
    for (i = 0; i < 4; i++)
        bytes((uint8_t *)texts[i], sizeof texts[i]);
    it.serial_number = texts[0];
    it.profile = texts[1];
    it.firmware_name = texts[2];
    it.firmware_version = texts[3];
    return sb_put_identity(wire, room, sequence, time_us, &it);
}

static size_t heartbeat(size_t room, uint32_t sequence, uint32_t time_us)
{
    sb_heartbeat it;

    it.scans = (uint32_t)number();
    it.reports = (uint32_t)number();
    it.dropped = (uint32_t)number();
    it.host_errors = (uint32_t)number();
    it.last_command = (uint32_t)number();
    it.pressing = (uint8_t)number();
    return sb_put_heartbeat(wire, room, sequence, time_us, &it);
}

static size_t answer(size_t room, uint32_t sequence, uint32_t time_us)
{
    uint32_t command = (uint32_t)number();
    uint8_t type = (uint8_t)number();
    enum sb_status status = (enum sb_status)number();

    bytes(data, sizeof data);
    return sb_put_answer(wire, room, sequence, time_us, command, type, status, (const char *)data);
}

static size_t press_done(size_t room, uint32_t sequence, uint32_t time_us)
{
    uint32_t command = (uint32_t)number();
    uint8_t aborted = (uint8_t)number();
    uint32_t reports = (uint32_t)number();

    return sb_put_press_done(wire, room, sequence, time_us, command, aborted, reports, (uint32_t)number());
}

static size_t raw_frame(size_t room, uint32_t sequence, uint32_t time_us)
{
    uint8_t rows = (uint8_t)number(), columns = (uint8_t)number();
    size_t i;

    for (i = 0; i < (size_t)rows * columns; i++)
        deltas[i] = (int16_t)((long)number() - 32768);
    return sb_put_raw_frame(wire, room, sequence, time_us, rows, columns, deltas);
}

static size_t plain(size_t room, uint32_t sequence, uint32_t time_us)
{
    enum sb_type type = (enum sb_type)number();
    size_t size = bytes(data, sizeof data);

    return sb_put_bytes(wire, room, sequence, time_us, type, data, size);
}

static size_t hid_reports(size_t room, uint32_t time_us)
{
    sb_digitizer digitizer;
    size_t first = 0, size = 0;
    uint8_t count;

    digitizer.per_report = (uint8_t)number();
    digitizer.x_max = (uint16_t)number();
    digitizer.y_max = (uint16_t)number();
    count = read_contacts();
    do {
        size_t taken = sb_hid_report(wire + size, room - size, &digitizer, contacts, count, (uint8_t)first,
                                     (uint16_t)(time_us / 100));

        if (taken == 0)
            return 0;
        size += taken;
        first += digitizer.per_report;
    } while (first < count);
    return size;
}

/* The HID descriptor, then the scan times at so many moments. */
static size_t hid_descriptor(size_t room)
{
    sb_digitizer digitizer;
    sb_scan_clock clock = {0, 0, 0};
    size_t i, moments, size;

    digitizer.per_report = (uint8_t)number();
    digitizer.contact_limit = (uint8_t)number();
    digitizer.x_max = (uint16_t)number();
    digitizer.y_max = (uint16_t)number();
    digitizer.width_mm_100 = (uint16_t)number();
    digitizer.height_mm_100 = (uint16_t)number();
    size = sb_hid_descriptor(wire, room, &digitizer);
    moments = number();
    for (i = 0; i < moments; i++) {
        uint16_t time = sb_scan_time(&clock, (uint32_t)number());

        wire[size++] = (uint8_t)(time >> 8);
        wire[size++] = (uint8_t)(time & 0xFFu);
    }
    return size;
}

static void print_press(const sb_packet *packet)
{
    sb_press press;
    uint16_t i;

    if (!sb_get_press(packet, &press)) {
        printf(" bad");
        return;
    }
    printf(" %lu %lu ", (unsigned long)(press.seed >> 32), (unsigned long)(press.seed & 0xFFFFFFFFu));
    for (i = 0; i < press.object_size; i++)
        printf("%02x", press.object[i]);
    for (i = 0; i < press.keyframes; i++) {
        sb_keyframe it;

        sb_get_keyframe(&press, i, &it);
        printf(" %lu %ld %ld %ld %u %u %ld %ld", (unsigned long)it.time_us, (long)it.x_um, (long)it.y_um,
               (long)it.theta_urad, it.force, it.grip, (long)it.tilt_x_urad, (long)it.tilt_y_urad);
    }
}

/* Bytes from a host: writes each whole command on a line, then the number of errors. */
static void receive(size_t room)
{
    static uint8_t buffer[SB_WIRE_SIZE(LONGEST)];
    sb_receiver receiver;
    sb_packet packet;
    size_t i, j, size = bytes(data, sizeof data);

    sb_receive_begin(&receiver, buffer, room);
    for (i = 0; i < size; i++) {
        uint8_t kinds;

        if (!sb_receive(&receiver, data[i], &packet))
            continue;
        if (packet.truncated)
            printf("long ");
        printf("%u %lu ", packet.type, (unsigned long)packet.sequence);
        for (j = 0; j < packet.size; j++)
            printf("%02x", packet.payload[j]);
        if (packet.type == SB_STREAM)
            sb_get_stream(&packet, &kinds) ? printf(" %u", kinds) : printf(" bad");
        if (packet.type == SB_IDENTIFY || packet.type == SB_RESET)
            printf(sb_get_nothing(&packet) ? " ok" : " bad");
        if (packet.type == SB_PRESS)
            print_press(&packet);
        printf("\n");
    }
    printf("errors %lu\n", (unsigned long)receiver.errors);
}

int main(void)
{
    char kind;

    while (scanf(" %c", &kind) == 1) {
        size_t i, size = 0, room = number();
        uint32_t sequence = (uint32_t)number(), time_us = (uint32_t)number();

        if (room > sizeof wire)
            room = sizeof wire;
        switch (kind) {
        case 'H': receive(room); continue;
        case 'i': size = identity(room, sequence, time_us); break;
        case 'h': size = heartbeat(room, sequence, time_us); break;
        case 'a': size = answer(room, sequence, time_us); break;
        case 'd': size = press_done(room, sequence, time_us); break;
        case 'f': size = raw_frame(room, sequence, time_us); break;
        case 'p': size = plain(room, sequence, time_us); break;
        case 'D': size = hid_descriptor(room); break;
        case 'r': size = hid_reports(room, time_us); break;
        case 'c': {
            uint8_t count = read_contacts();
            size = sb_put_contacts(wire, room, sequence, time_us, contacts, count);
            break;
        }
        default: return 1;
        }
        for (i = 0; i < size; i++)
            printf("%02x", wire[i]);
        printf("\n");
    }
    return 0;
}
