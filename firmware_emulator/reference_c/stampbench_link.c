/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the stampbench link: COBS, CRC-32 and the messages of a rig. */
#include "stampbench.h"

#include <string.h>

#define COBS_LONGEST_GROUP 0xFFu

/* A table of sixteen entries: a quarter of the speed of the usual 1 kB table, in 64 bytes. */
static const uint32_t crc_of_nibble[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};

uint32_t sb_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    size_t i;

    crc = ~crc;
    for (i = 0; i < size; i++) {
        crc ^= data[i];
        crc = (crc >> 4) ^ crc_of_nibble[crc & 15u];
        crc = (crc >> 4) ^ crc_of_nibble[crc & 15u];
    }
    return ~crc;
}

/* ---- packets, piece by piece ------------------------------------------------------------------------- */

static void emit(sb_writer *writer, uint8_t coded)
{
    if (writer->size < writer->room)
        writer->wire[writer->size++] = coded;
    else
        writer->failed = 1;
}

static void begin_group(sb_writer *writer)
{
    writer->group = writer->size;
    writer->group_full = 0;
    emit(writer, 0); /* its length follows */
}

static void end_group(sb_writer *writer)
{
    if (!writer->failed)
        writer->wire[writer->group] = (uint8_t)(writer->size - writer->group);
}

static void put(sb_writer *writer, uint8_t byte)
{
    if (writer->group_full)
        begin_group(writer);
    if (byte == 0) {
        end_group(writer);
        begin_group(writer);
    } else {
        emit(writer, byte);
        if (writer->size - writer->group == COBS_LONGEST_GROUP) {
            end_group(writer);
            writer->group_full = 1;
        }
    }
    writer->body++;
}

void sb_begin(sb_writer *writer, uint8_t *wire, size_t room, enum sb_type type, uint32_t sequence, uint32_t time_us)
{
    memset(writer, 0, sizeof *writer);
    writer->wire = wire;
    writer->room = room;
    begin_group(writer);
    sb_u8(writer, SB_VERSION);
    sb_u8(writer, (uint8_t)type);
    sb_u32(writer, sequence);
    sb_u32(writer, time_us);
}

void sb_u8(sb_writer *writer, uint8_t value)
{
    writer->crc = sb_crc32(writer->crc, &value, 1);
    put(writer, value);
}

void sb_u16(sb_writer *writer, uint16_t value)
{
    sb_u8(writer, (uint8_t)(value & 0xFFu));
    sb_u8(writer, (uint8_t)(value >> 8));
}

void sb_u32(sb_writer *writer, uint32_t value)
{
    sb_u16(writer, (uint16_t)(value & 0xFFFFu));
    sb_u16(writer, (uint16_t)(value >> 16));
}

void sb_bytes(sb_writer *writer, const uint8_t *data, size_t size)
{
    size_t i;

    for (i = 0; i < size && !writer->failed; i++)
        sb_u8(writer, data[i]);
}

void sb_text(sb_writer *writer, const char *text)
{
    size_t size = strlen(text);

    if (size > 255)
        writer->failed = 1;
    sb_u8(writer, (uint8_t)size);
    sb_bytes(writer, (const uint8_t *)text, size);
}

size_t sb_end(sb_writer *writer)
{
    sb_u32(writer, writer->crc);
    if (!writer->group_full)
        end_group(writer);
    emit(writer, 0);
    return writer->failed || writer->body > SB_MAX_BODY ? 0 : writer->size;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

size_t sb_put_identity(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, const sb_identity *identity)
{
    sb_writer writer;

    sb_begin(&writer, wire, room, SB_IDENTITY, sequence, time_us);
    sb_u8(&writer, SB_VERSION);
    sb_u8(&writer, identity->contact_limit);
    sb_u16(&writer, identity->capabilities);
    sb_u16(&writer, identity->x_max);
    sb_u16(&writer, identity->y_max);
    sb_u32(&writer, identity->width_um);
    sb_u32(&writer, identity->height_um);
    sb_u32(&writer, identity->interval_us);
    sb_u8(&writer, identity->rows);
    sb_u8(&writer, identity->columns);
    sb_text(&writer, identity->serial_number);
    sb_text(&writer, identity->profile);
    sb_text(&writer, identity->firmware_name);
    sb_text(&writer, identity->firmware_version);
    return sb_end(&writer);
}

size_t sb_put_heartbeat(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, const sb_heartbeat *heartbeat)
{
    sb_writer writer;

    sb_begin(&writer, wire, room, SB_HEARTBEAT, sequence, time_us);
    sb_u32(&writer, heartbeat->scans);
    sb_u32(&writer, heartbeat->reports);
    sb_u32(&writer, heartbeat->dropped);
    sb_u32(&writer, heartbeat->host_errors);
    sb_u32(&writer, heartbeat->last_command);
    sb_u8(&writer, heartbeat->pressing ? 1 : 0);
    return sb_end(&writer);
}

size_t sb_put_answer(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, uint32_t command,
                     uint8_t command_type, enum sb_status status, const char *text)
{
    sb_writer writer;

    sb_begin(&writer, wire, room, SB_ANSWER, sequence, time_us);
    sb_u32(&writer, command);
    sb_u8(&writer, command_type);
    sb_u8(&writer, (uint8_t)status);
    sb_bytes(&writer, (const uint8_t *)text, strlen(text));
    return sb_end(&writer);
}

size_t sb_put_press_done(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, uint32_t command,
                         uint8_t aborted, uint32_t reports, uint32_t dropped)
{
    sb_writer writer;

    sb_begin(&writer, wire, room, SB_PRESS_DONE, sequence, time_us);
    sb_u32(&writer, command);
    sb_u8(&writer, aborted ? 1 : 0);
    sb_u32(&writer, reports);
    sb_u32(&writer, dropped);
    return sb_end(&writer);
}

size_t sb_put_contacts(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, const sb_contact *contacts,
                       uint8_t count)
{
    sb_writer writer;
    uint8_t i, j;

    for (i = 0; i < count; i++) {
        if (contacts[i].tip && contacts[i].cancelled)
            return 0;
        for (j = 0; j < i; j++)
            if (contacts[j].id == contacts[i].id)
                return 0;
    }
    sb_begin(&writer, wire, room, SB_CONTACTS, sequence, time_us);
    for (i = 0; i < count; i++) {
        sb_u8(&writer, contacts[i].id);
        sb_u8(&writer, (uint8_t)((contacts[i].tip ? 1 : 0) | (contacts[i].cancelled ? 2 : 0)));
        sb_u16(&writer, contacts[i].x);
        sb_u16(&writer, contacts[i].y);
        sb_u16(&writer, contacts[i].size);
    }
    return sb_end(&writer);
}

size_t sb_put_raw_frame(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, uint8_t rows, uint8_t columns,
                        const int16_t *deltas)
{
    sb_writer writer;
    size_t i, nodes = (size_t)rows * columns;

    sb_begin(&writer, wire, room, SB_RAW_FRAME, sequence, time_us);
    sb_u8(&writer, rows);
    sb_u8(&writer, columns);
    for (i = 0; i < nodes && !writer.failed; i++)
        sb_u16(&writer, (uint16_t)deltas[i]);
    return sb_end(&writer);
}

size_t sb_put_bytes(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, enum sb_type type,
                    const uint8_t *payload, size_t size)
{
    sb_writer writer;

    sb_begin(&writer, wire, room, type, sequence, time_us);
    sb_bytes(&writer, payload, size);
    return sb_end(&writer);
}
