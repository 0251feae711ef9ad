/* SPDX-License-Identifier: Apache-2.0 */
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
    return (uint16_t)((uint16_t)place[0] | (uint16_t)((uint16_t)place[1] << 8));
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

static void begin_packet(sb_receiver *receiver)
{
    receiver->size = 0;
    receiver->crc = receiver->tail = 0;
    receiver->code = receiver->left = 0;
    receiver->broken = 0;
}

void sb_receive_reopen(sb_receiver *receiver)
{
    begin_packet(receiver);
    receiver->seen_count = receiver->seen_next = 0;
    receiver->joining = 1;
}

/* Takes a decoded byte. The CRC runs four bytes behind, so that it ends where the packet's own begins. */
static void take(sb_receiver *receiver, uint8_t byte)
{
    if (receiver->size >= CRC_SIZE) {
        uint8_t covered = (uint8_t)(receiver->tail & 0xFFu);

        receiver->crc = sb_crc32(receiver->crc, &covered, 1);
    }
    receiver->tail = receiver->tail >> 8 | (uint32_t)byte << 24;
    if (receiver->size < receiver->room)
        receiver->buffer[receiver->size] = byte;
    if (receiver->size < SB_MAX_BODY)
        receiver->size++;
    else
        receiver->broken = 1;
}

static int seen_before(sb_receiver *receiver)
{
    uint16_t i;

    for (i = 0; i < receiver->seen_count; i++)
        if (receiver->seen[i] == receiver->tail)
            return 1;
    receiver->seen[receiver->seen_next] = receiver->tail;
    receiver->seen_next = (uint16_t)((receiver->seen_next + 1u) % SB_WINDOW);
    if (receiver->seen_count < SB_WINDOW)
        receiver->seen_count++;
    return 0;
}

int sb_receive(sb_receiver *receiver, uint8_t byte, sb_packet *packet)
{
    const uint8_t *body = receiver->buffer;
    int whole, joining;

    if (byte != 0) {
        if (receiver->left > 0) {
            receiver->left--;
            take(receiver, byte);
        } else {
            if (receiver->code != 0 && receiver->code != 255)
                take(receiver, 0);
            receiver->code = byte;
            receiver->left = (uint8_t)(byte - 1u);
        }
        return 0;
    }
    if (receiver->code == 0)
        whole = -1; /* 00 between packets is nothing [P4] */
    else
        whole = !receiver->broken && receiver->left == 0 && receiver->size >= HEADER_SIZE + CRC_SIZE &&
                receiver->crc == receiver->tail;
    joining = receiver->joining;
    receiver->joining = 0;
    if (whole == 0 && !joining) /* who joins in mid-packet has not seen an error */
        receiver->errors++;
    if (whole <= 0 || receiver->room < HEADER_SIZE || body[0] != SB_VERSION || seen_before(receiver)) {
        begin_packet(receiver);
        return 0;
    }
    packet->type = body[1];
    packet->sequence = read_u32(body + 2);
    packet->payload = body + HEADER_SIZE;
    packet->truncated = receiver->size - CRC_SIZE > receiver->room;
    packet->size = packet->truncated ? 0 : receiver->size - HEADER_SIZE - CRC_SIZE;
    begin_packet(receiver);
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
    if (press->keyframes == 0 || left % KEYFRAME_SIZE != 0 || left / KEYFRAME_SIZE != press->keyframes)
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
