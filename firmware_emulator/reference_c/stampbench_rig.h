/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a rig on the link: numbers, heartbeats, answers, streams and presses, as PROTOCOL.md asks for them.
 *
 * The firmware says what it is and hands in four functions. Then it calls sb_rig_begin once, sb_rig_heard with what
 * the host sent, sb_rig_scan for every scan of the panel, and sb_rig_tick often, at least every 100 ms. Times are
 * the rig's own clock in microseconds; it may wrap. None of the functions waits.
 */
#ifndef STAMPBENCH_RIG_H
#define STAMPBENCH_RIG_H

#include "stampbench.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SB_HEARTBEAT_EVERY_US 250000u /* half of what T2 allows */

typedef struct {
    const sb_identity *identity;
    const sb_digitizer *digitizer; /* 0 where no HID reports are sent */

    /* Sends all of the bytes, or none: returns 1 if they were taken, 0 if there is no room now [S2]. */
    int (*send)(void *port, const uint8_t *bytes, size_t size);
    /* Begins a press: SB_OK, or SB_BAD_ARGUMENT for an object that there is none of; 0 without an actuator [C8]. */
    enum sb_status (*press)(void *port, const sb_press *press, const char **text);
    /* Takes the condition of a simulated panel; 0 where the panel is real. */
    enum sb_status (*configure)(void *port, const uint8_t *json, size_t size, const char **text);
    /* Ends a press under way and takes the untouched panel as reference [C6]; 0 where there is nothing to do. */
    void (*reset)(void *port);
    void *port; /* handed to each of them */

    uint8_t *wire; /* a packet on its way out: SB_WIRE_SIZE of the longest payload */
    size_t room;
    uint8_t *command; /* a command on its way in: 14 bytes and its payload */
    size_t command_room;
} sb_rig_setup;

typedef struct {
    const sb_rig_setup *setup;
    sb_receiver receiver;
    sb_scan_clock scan_clock;
    uint32_t sequence, scans, reports, dropped, last_command;
    uint32_t press_command, press_reports, press_dropped;
    uint32_t now_us, heartbeat_us;
    uint8_t streams, pressing, done_due, done_aborted, answer_due, owed_type, owed_status;
    uint32_t owed_command;
    const char *owed_text;
} sb_rig;

/* Power-up: the identity goes out first [R1]. */
void sb_rig_begin(sb_rig *rig, const sb_rig_setup *setup, uint32_t now_us);

/* Bytes from the host; commands are carried out and answered. */
void sb_rig_heard(sb_rig *rig, const uint8_t *bytes, size_t size, uint32_t now_us);

/* All contacts of one scan, those that have just lifted included; call it for scans without any, too. */
void sb_rig_scan(sb_rig *rig, const sb_contact *contacts, uint8_t count, uint32_t scan_us);

/* The press under way is over, its lift reported. */
void sb_rig_press_over(sb_rig *rig, uint32_t now_us);

/* Sends a heartbeat when one is due, and what the port had no room for. */
void sb_rig_tick(sb_rig *rig, uint32_t now_us);

#ifdef __cplusplus
}
#endif

#endif
