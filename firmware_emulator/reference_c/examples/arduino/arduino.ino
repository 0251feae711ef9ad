/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rig on a board with USB serial, pressed by hand. read_panel() is yours: it returns the contacts of one scan of
 * your touch controller, those that have just lifted with tip 0. Put stampbench*.h and stampbench*.c beside it.
 */
#include "stampbench_rig.h"

static const sb_identity identity = {
    10, 0, 4095, 4095, 154000, 86000, 10000, 0, 0, "SN-0001", "my-panel", "arduino-rig", "1.0"};
static uint8_t wire[SB_WIRE_SIZE(8 * 10 + 64)], command[14 + 512];
static sb_rig rig;

static int send_all(void *port, const uint8_t *bytes, size_t size)
{
    (void)port;
    return (size_t)Serial.availableForWrite() >= size && Serial.write(bytes, size) == size;
}

static sb_rig_setup setup_of_rig = {
    &identity, 0, send_all, 0, 0, 0, 0, wire, sizeof wire, command, sizeof command};

uint8_t read_panel(sb_contact *contacts, uint8_t most)
{
    (void)contacts;
    (void)most;
    return 0;
}

void setup()
{
    Serial.begin(115200);
    sb_rig_begin(&rig, &setup_of_rig, micros());
}

void loop()
{
    static uint32_t scanned_us;
    sb_contact contacts[10];
    uint32_t now_us = micros();

    while (Serial.available() > 0) {
        uint8_t byte = (uint8_t)Serial.read();
        sb_rig_heard(&rig, &byte, 1, now_us);
    }
    if (now_us - scanned_us >= identity.interval_us) {
        scanned_us = now_us;
        sb_rig_scan(&rig, contacts, read_panel(contacts, 10), now_us);
    }
    sb_rig_tick(&rig, now_us);
}
