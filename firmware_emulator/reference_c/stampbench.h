/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stampbench link, version 1, for the firmware of a touch test rig: packets to its host, commands from it.
 *
 * Portable C99. No heap, no static state, nothing but <stdint.h>, <stddef.h> and <string.h>; a packet is coded
 * while it is written, so it needs no buffer beside the one it is sent from. PROTOCOL.md says what each field
 * means; its clauses are named here in brackets.
 *
 * Every function that writes a packet takes
 *     wire, room     where the packet goes as it is sent, its final 00 included, and how many bytes fit;
 *                    SB_WIRE_SIZE(n) bytes hold any packet with a payload of n bytes
 *     sequence       0 for the first packet after power-up, one more for each packet that is sent [S1]
 *     time_us        the rig's clock; it may wrap [T1]
 * and returns the number of bytes to send, 0 if the packet does not fit or a value is beyond its field. A packet
 * that was not sent takes no sequence number [S2].
 */
#ifndef STAMPBENCH_H
#define STAMPBENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SB_LIBRARY_VERSION "1.1.0" /* of this library; its first two numbers are the revision of PROTOCOL.md */
#define SB_VERSION 1u
#define SB_MAX_BODY 32768u /* bytes of a packet before coding, header and CRC included [P3] */
#define SB_WIRE_SIZE(payload) ((payload) + 14u + ((payload) + 14u) / 254u + 2u)

enum sb_type {
    SB_IDENTITY = 0x01,
    SB_HEARTBEAT = 0x02,
    SB_ANSWER = 0x03,
    SB_PRESS_DONE = 0x04,
    SB_HID_DESCRIPTOR = 0x05,
    SB_CONTACTS = 0x10,
    SB_HID_REPORT = 0x11,
    SB_RAW_FRAME = 0x12
};

enum sb_capability {
    SB_CAN_PRESS = 1,
    SB_CAN_RAW_FRAMES = 2,
    SB_CAN_HID_REPORTS = 4,
    SB_CAN_CONFIGURE = 8,
    SB_CANCELS_ALL = 16,      /* one contact beyond the limit */
    SB_MARKS_CANCELLED = 32   /* and each of them is marked */
};
enum sb_status { SB_OK = 0, SB_MANUAL = 1, SB_UNSUPPORTED = 2, SB_BAD_ARGUMENT = 3 };

enum sb_command { SB_IDENTIFY = 0x40, SB_RESET = 0x41, SB_STREAM = 0x42, SB_CONFIGURE = 0x43, SB_PRESS = 0x44 };
enum sb_stream { SB_STREAM_CONTACTS = 1, SB_STREAM_HID_REPORTS = 2, SB_STREAM_RAW_FRAMES = 4 };

#define SB_NO_COMMAND 0xFFFFFFFFu /* last_command of a heartbeat before the first command */

/* ---- messages ---------------------------------------------------------------------------------------- */

/* Who the rig is [R1]. Texts are UTF-8, end with 0, and have at most 255 bytes. */
typedef struct {
    uint8_t contact_limit;
    uint16_t capabilities; /* of enum sb_capability */
    uint16_t x_max, y_max; /* coordinates at the right and the lower edge, above 0 */
    uint32_t width_um, height_um;
    uint32_t interval_us; /* between two scans */
    uint8_t rows, columns; /* of a raw frame; 0 without */
    const char *serial_number, *profile, *firmware_name, *firmware_version;
} sb_identity;

/* Sign of life, at least every 500 ms [T2]; the counts are since power-up. */
typedef struct {
    uint32_t scans, reports, dropped, host_errors, last_command;
    uint8_t pressing; /* 1 while a press command is under way */
} sb_heartbeat;

/* One touch of a scan; it keeps its id from landing to lift, and its lift is told once with tip 0 [R5]. */
typedef struct {
    uint8_t id;
    uint8_t tip;
    uint16_t x, y;
    uint16_t size;     /* larger diameter, 1/100 mm; 0 if it is not known */
    uint8_t cancelled; /* 1 if the panel took it away, with tip 0; else 0 */
} sb_contact;

size_t sb_put_identity(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, const sb_identity *identity);
size_t sb_put_heartbeat(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, const sb_heartbeat *heartbeat);

/* What the rig says to the host's packet with number `command` and type `command_type` [C1]; the text is for people. */
size_t sb_put_answer(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, uint32_t command,
                     uint8_t command_type, enum sb_status status, const char *text);

/* The end of the press that the host's packet `command` asked for [C8]; reports sent, and thrown away unsent [S2]. */
size_t sb_put_press_done(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, uint32_t command,
                         uint8_t aborted, uint32_t reports, uint32_t dropped);

/* All contacts of one scan, those included that have just lifted [R2, R3]; 0 if an id is there twice, or a contact
   both touches and is cancelled. */
size_t sb_put_contacts(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, const sb_contact *contacts,
                       uint8_t count);

/* The deltas of one scan, row by row from the top [R7]. */
size_t sb_put_raw_frame(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, uint8_t rows, uint8_t columns,
                        const int16_t *deltas);

/* A payload that is bytes already: a HID report, or the HID descriptor. */
size_t sb_put_bytes(uint8_t *wire, size_t room, uint32_t sequence, uint32_t time_us, enum sb_type type,
                    const uint8_t *payload, size_t size);

/* ---- packets, piece by piece ------------------------------------------------------------------------- */

/* A packet being written, for payloads that are never in memory as a whole. */
typedef struct {
    uint8_t *wire;
    size_t room, size;  /* bytes that fit, and bytes taken so far */
    size_t group;       /* where the length of the COBS group under way goes */
    size_t body;        /* bytes before coding */
    uint32_t crc;
    uint8_t group_full; /* the group under way has its 254 bytes; the next one begins with the next byte */
    uint8_t failed;
} sb_writer;

void sb_begin(sb_writer *writer, uint8_t *wire, size_t room, enum sb_type type, uint32_t sequence, uint32_t time_us);
void sb_u8(sb_writer *writer, uint8_t value);
void sb_u16(sb_writer *writer, uint16_t value);
void sb_u32(sb_writer *writer, uint32_t value);
void sb_bytes(sb_writer *writer, const uint8_t *data, size_t size);
void sb_text(sb_writer *writer, const char *text); /* its length as one byte, then the text */
size_t sb_end(sb_writer *writer);                  /* adds CRC and 00; bytes to send, 0 on failure */

/* CRC-32 as in Ethernet and zlib [P1]; begin with 0, go on with what the last call returned. */
uint32_t sb_crc32(uint32_t crc, const uint8_t *data, size_t size);

/* ---- commands from the host -------------------------------------------------------------------------- */

#ifndef SB_WINDOW
#define SB_WINDOW 64u /* packets among which a duplicate is known [C3] */
#endif

/*
 * Bytes from the host, put together to packets, and decoded as they come. A buffer of 14 + n bytes holds commands with
 * payloads of up to n bytes; longer ones are checked all the same, and told as truncated.
 */
typedef struct {
    uint8_t *buffer;
    size_t room, size;        /* bytes that fit, and bytes decoded so far */
    uint32_t errors;          /* damaged packets: the host_errors of a heartbeat [C4] */
    uint32_t crc, tail;       /* of all but the last four bytes, and those four */
    uint32_t seen[SB_WINDOW]; /* CRCs of the last packets */
    uint16_t seen_count, seen_next;
    uint8_t code, left; /* of the COBS group under way: its length, and bytes to come */
    uint8_t broken, joining;
} sb_receiver;

/* A whole packet from the host. Every one of type 40 to 7F is answered once, with its sequence number [C1]. */
typedef struct {
    uint8_t type; /* of enum sb_command, or one that this version does not know: SB_UNSUPPORTED */
    uint32_t sequence;
    const uint8_t *payload; /* in the receiver's buffer, until the next byte is received */
    size_t size;
    uint8_t truncated; /* 1 if the payload did not fit the buffer, size then 0: answer SB_BAD_ARGUMENT */
} sb_packet;

void sb_receive_begin(sb_receiver *receiver, uint8_t *buffer, size_t room);

/* Another host opened the port: forgets half a packet and what was seen, and keeps the count of errors. */
void sb_receive_reopen(sb_receiver *receiver);

/* Takes one byte; returns 1 if it completes a packet that is whole, of this version and no duplicate, else 0. */
int sb_receive(sb_receiver *receiver, uint8_t byte, sb_packet *packet);

/* One place and time of a press; see PROTOCOL.md, 44 press. */
typedef struct {
    uint32_t time_us;
    int32_t x_um, y_um, theta_urad;
    uint16_t force, grip; /* thousandths */
    int32_t tilt_x_urad, tilt_y_urad;
} sb_keyframe;

typedef struct {
    uint64_t seed;
    const uint8_t *object; /* object_size bytes of UTF-8, without a 0 at their end */
    uint8_t object_size;
    uint16_t keyframes;
    const uint8_t *first_keyframe;
} sb_press;

/* Each returns 1 if the payload is what the command asks for; answer SB_BAD_ARGUMENT if not. */
int sb_get_nothing(const sb_packet *packet);               /* identify, reset */
int sb_get_stream(const sb_packet *packet, uint8_t *kinds); /* of enum sb_stream */
int sb_get_press(const sb_packet *packet, sb_press *press);
void sb_get_keyframe(const sb_press *press, uint16_t number, sb_keyframe *keyframe); /* number below keyframes */

/* ---- HID ------------------------------------------------------------------------------------------------ */

/* A touchscreen as HID device: report id 1; for each contact tip, id, x, y; then scan time and contact count. */
typedef struct {
    uint8_t per_report; /* contacts in one input report; a scan with more takes several reports */
    uint8_t contact_limit;
    uint16_t x_max, y_max;
    uint16_t width_mm_100, height_mm_100; /* of the active area, 1/100 mm */
} sb_digitizer;

/* HID scan time: units of 100 us, modulo 2^16, that go on where a clock of 32 bits in microseconds wraps. */
typedef struct {
    uint32_t last_us, rest_us;
    uint16_t ticks;
} sb_scan_clock;

uint16_t sb_scan_time(sb_scan_clock *clock, uint32_t time_us);

#define SB_HID_REPORT_SIZE(per_report) (4u + 6u * (per_report))
#define SB_HID_DESCRIPTOR_SIZE(per_report) (44u + 70u * (per_report))

/* Writes the report descriptor that goes with the reports below; its size, 0 if it does not fit [C7]. */
size_t sb_hid_descriptor(uint8_t *descriptor, size_t room, const sb_digitizer *digitizer);

/*
 * Writes the input report that begins with contact number `first` of a scan: 0, then per_report, 2 * per_report, ...
 * while that is below `count`. Only the first report of a scan says how many contacts there are. Returns its size, 0
 * if it does not fit or a coordinate is beyond the maxima. A scan without contacts is one report with count 0.
 */
size_t sb_hid_report(uint8_t *report, size_t room, const sb_digitizer *digitizer, const sb_contact *contacts,
                     uint8_t count, uint8_t first, uint16_t scan_time);

#ifdef __cplusplus
}
#endif

#endif
