/* Commands of the stampbench link: bytes from the host put together to packets, and their payloads read. */
#include "stampbench.h"

#include <string.h>

#define HEADER_SIZE 10u
#define CRC_SIZE 4u
#define KEYFRAME_SIZE 28u
#define WHOLE 1000u /* thousandths */

static uint32_t read_u32(const uint8_t *place)
{
    return (uint32_t)place[0] | (uint32_t)place[1] << 8 | (uint32_t)place[2] << 16 | (uint32_t)place[3] << 24;
}

static uint16_t read_u16(const uint8_t *place)
{
    return (uint16_t)(place[0] | place[1] << 8);
}

/* Two's complement whatever the machine makes of the cast of a large unsigned number. */
static int32_t read_i32(const uint8_t *place)
{
    uint32_t value = read_u32(place);

    return value <= 0x7FFFFFFFu ? (int32_t)value : -(int32_t)(0xFFFFFFFFu - value) - 1;
}

void sb_receive_begin(sb_receiver *receiver, uint8_t *buffer, size_t room)
{
    memset(receiver, 0, sizeof *receiver);
    receiver->buffer = buffer;
    receiver->room = room;
    receiver->joining = 1;
}

/* Undoes COBS in place; the packet's size, 0 if it is no COBS. */
static size_t decode(uint8_t *buffer, size_t size)
{
    size_t from = 0, to = 0;

    while (from < size) {
        size_t group = buffer[from++];

        if (from + group - 1 > size)
            return 0;
        memmove(buffer + to, buffer + from, group - 1);
        from += group - 1;
        to += group - 1;
        if (group < 255 && from < size)
            buffer[to++] = 0;
    }
    return to;
}

int sb_receive(sb_receiver *receiver, uint8_t byte, sb_packet *packet)
{
    const uint8_t *body = receiver->buffer;
    uint8_t overlong = receiver->overlong, joining = receiver->joining;
    size_t size = receiver->size;
    uint32_t crc;

    if (byte != 0) {
        if (size < receiver->room)
            receiver->buffer[receiver->size++] = byte;
        else
            receiver->overlong = 1;
        return 0;
    }
    receiver->size = 0;
    receiver->overlong = receiver->joining = 0;
    if (size == 0)
        return 0; /* 00 between packets is nothing [P4] */
    size = overlong ? 0 : decode(receiver->buffer, size);
    if (size < HEADER_SIZE + CRC_SIZE || sb_crc32(0, body, size - CRC_SIZE) != read_u32(body + size - CRC_SIZE)) {
        if (!joining) /* who joins in mid-packet has not seen an error */
            receiver->errors++;
        return 0;
    }
    crc = read_u32(body + size - CRC_SIZE);
    if (body[0] != SB_VERSION || (receiver->any && crc == receiver->last_crc))
        return 0;
    receiver->any = 1;
    receiver->last_crc = crc;
    packet->type = body[1];
    packet->sequence = read_u32(body + 2);
    packet->payload = body + HEADER_SIZE;
    packet->size = size - HEADER_SIZE - CRC_SIZE;
    return 1;
}

int sb_get_nothing(const sb_packet *packet)
{
    return packet->size == 0;
}

int sb_get_stream(const sb_packet *packet, uint8_t *kinds)
{
    if (packet->size != 1 || packet->payload[0] > 7)
        return 0;
    *kinds = packet->payload[0];
    return 1;
}

int sb_get_press(const sb_packet *packet, sb_press *press)
{
    const uint8_t *place = packet->payload;
    size_t left = packet->size;
    uint32_t before = 0;
    uint16_t i;

    if (left < 9 || left < 11u + place[8])
        return 0;
    press->seed = (uint64_t)read_u32(place) | (uint64_t)read_u32(place + 4) << 32;
    press->object_size = place[8];
    press->object = place + 9;
    place += 9 + press->object_size;
    left -= 11u + press->object_size;
    press->keyframes = read_u16(place);
    press->first_keyframe = place + 2;
    if (press->keyframes == 0 || left != (size_t)press->keyframes * KEYFRAME_SIZE)
        return 0;
    for (i = 0; i < press->keyframes; i++) {
        sb_keyframe keyframe;

        sb_get_keyframe(press, i, &keyframe);
        if ((i > 0 && keyframe.time_us <= before) || keyframe.force > WHOLE || keyframe.grip > WHOLE)
            return 0;
        before = keyframe.time_us;
    }
    return 1;
}

void sb_get_keyframe(const sb_press *press, uint16_t number, sb_keyframe *keyframe)
{
    const uint8_t *place = press->first_keyframe + (size_t)number * KEYFRAME_SIZE;

    keyframe->time_us = read_u32(place);
    keyframe->x_um = read_i32(place + 4);
    keyframe->y_um = read_i32(place + 8);
    keyframe->theta_urad = read_i32(place + 12);
    keyframe->force = read_u16(place + 16);
    keyframe->grip = read_u16(place + 18);
    keyframe->tilt_x_urad = read_i32(place + 20);
    keyframe->tilt_y_urad = read_i32(place + 24);
}
