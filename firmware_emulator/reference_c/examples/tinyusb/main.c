/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rig on TinyUSB's CDC interface, pressed by hand. board_init, descriptors and read_panel are your board's; build it
 * as any TinyUSB example, with stampbench_*.c among the sources.
 */
#include "stampbench_rig.h"
#include "tusb.h"

uint32_t board_micros(void);
uint8_t read_panel(sb_contact *contacts, uint8_t most);

static const sb_identity identity = {
    10, 0, 4095, 4095, 154000, 86000, 10000, 0, 0, "SN-0001", "my-panel", "tinyusb-rig", "1.0"};
static uint8_t wire[SB_WIRE_SIZE(8 * 10 + 64)], command[14 + 512];
static sb_rig rig;

static int send_all(void *port, const uint8_t *bytes, size_t size)
{
    (void)port;
    if (tud_cdc_write_available() < size)
        return 0;
    tud_cdc_write(bytes, (uint32_t)size);
    tud_cdc_write_flush();
    return 1;
}

/* TinyUSB tells when a host opens the port: what it says under numbers used before is no duplicate. */
void tud_cdc_line_state_cb(uint8_t interface, bool dtr, bool rts)
{
    (void)interface;
    (void)rts;
    if (dtr)
        sb_receive_reopen(&rig.receiver);
}

int main(void)
{
    static sb_rig_setup setup = {&identity, 0, send_all, 0, 0, 0, 0, wire, sizeof wire, command, sizeof command};
    uint32_t scanned_us = 0;

    tusb_init();
    sb_rig_begin(&rig, &setup, board_micros());
    for (;;) {
        sb_contact contacts[10];
        uint8_t bytes[64];
        uint32_t now_us = board_micros();

        tud_task();
        if (tud_cdc_available() > 0)
            sb_rig_heard(&rig, bytes, tud_cdc_read(bytes, sizeof bytes), now_us);
        if (now_us - scanned_us >= identity.interval_us) {
            scanned_us = now_us;
            sb_rig_scan(&rig, contacts, read_panel(contacts, 10), now_us);
        }
        sb_rig_tick(&rig, now_us);
    }
}
