/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rig loop on a desk: the host on a terminal, the panel on standard input and output.
 *
 *     simulator TERMINAL|DESCRIPTOR "limit capabilities x_max y_max width_um height_um interval_us serial profile"
 *
 * The panel is a program that is told `press HEX`, `configure HEX` or `reset`, HEX being the payload, and says
 * `status NUMBER TEXT` to each. After a press it tells each scan as `scan US COUNT` and, for each contact,
 * `ID TIP X Y SIZE CANCELLED`; then `over`. The rig's clock is that of the scans.
 */
#define _XOPEN_SOURCE 600
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../stampbench_rig.h"

#define LONGEST_COMMAND 4096
#define LONGEST_LINE 16384
#define POLL_MS 50

static uint8_t wire[SB_WIRE_SIZE(4096)], command[14 + LONGEST_COMMAND];
static char line[LONGEST_LINE], said[LONGEST_LINE];
static size_t line_size;
static int terminal;
static sb_rig rig;
static uint32_t scan_us;

static int send_all(void *port, const uint8_t *bytes, size_t size)
{
    (void)port;
    while (size > 0) {
        ssize_t taken = write(terminal, bytes, size);

        if (taken < 0)
            return 0;
        bytes += taken;
        size -= (size_t)taken;
    }
    return 1;
}

/* The next line of the panel; 0 at its end. Bytes of it that are there already are waited for. */
static int panel_line(void)
{
    for (line_size = 0; line_size < LONGEST_LINE - 1;) {
        if (read(0, line + line_size, 1) != 1)
            return 0;
        if (line[line_size] == '\n')
            break;
        line_size++;
    }
    line[line_size] = 0;
    return 1;
}

static enum sb_status ask_panel(const char *verb, const uint8_t *payload, size_t size, const char **text)
{
    size_t i;
    int at = 0;

    printf("%s ", verb);
    for (i = 0; i < size; i++)
        printf("%02x", payload[i]);
    printf("\n");
    fflush(stdout);
    do {
        if (!panel_line())
            exit(0);
    } while (strncmp(line, "status ", 7) != 0); /* scans of a press that this ends are of no interest */
    i = strtoul(line + 7, NULL, 10);
    sscanf(line + 7, "%*u %n", &at);
    strcpy(said, line + 7 + at);
    *text = said;
    return (enum sb_status)i;
}

static enum sb_status press(void *port, const sb_press *it, const char **text)
{
    (void)port; /* the payload begins with the seed and the length of the name */
    return ask_panel("press", it->object - 9, 11u + it->object_size + 28u * it->keyframes, text);
}

static enum sb_status configure(void *port, const uint8_t *json, size_t size, const char **text)
{
    (void)port;
    return ask_panel("configure", json, size, text);
}

static void reset(void *port)
{
    const char *text;

    (void)port;
    ask_panel("reset", NULL, 0, &text);
}

static void read_scan(char *place)
{
    static sb_contact contacts[64];
    unsigned long values[6];
    unsigned i, j, count;

    scan_us = (uint32_t)strtoul(place, &place, 10);
    count = (unsigned)strtoul(place, &place, 10);
    for (i = 0; i < count && i < 64; i++) {
        for (j = 0; j < 6; j++)
            values[j] = strtoul(place, &place, 10);
        contacts[i].id = (uint8_t)values[0];
        contacts[i].tip = (uint8_t)values[1];
        contacts[i].x = (uint16_t)values[2];
        contacts[i].y = (uint16_t)values[3];
        contacts[i].size = (uint16_t)values[4];
        contacts[i].cancelled = (uint8_t)values[5];
    }
    sb_rig_scan(&rig, contacts, (uint8_t)i, scan_us);
}

static uint32_t real_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000000u + (uint32_t)(now.tv_nsec / 1000);
}

int main(int count, char **arguments)
{
    static char serial[64], profile[64];
    static sb_identity identity;
    static sb_digitizer digitizer;
    static sb_rig_setup setup;
    struct termios settings;
    unsigned limit, capabilities, x_max, y_max;
    unsigned long width_um, height_um, interval_us;
    uint32_t beat_us;

    if (count != 3 || sscanf(arguments[2], "%u %u %u %u %lu %lu %lu %63s %63s", &limit, &capabilities, &x_max, &y_max,
                             &width_um, &height_um, &interval_us, serial, profile) != 9)
        return 2;
    /* a number is the descriptor of a terminal that is open already */
    terminal = arguments[1][0] == '/' ? open(arguments[1], O_RDWR | O_NOCTTY) : atoi(arguments[1]);
    if (terminal < 0 || tcgetattr(terminal, &settings) != 0)
        return 2;
    settings.c_iflag = settings.c_oflag = settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    tcsetattr(terminal, TCSANOW, &settings);
    identity.contact_limit = (uint8_t)limit;
    identity.capabilities = (uint16_t)capabilities;
    identity.x_max = (uint16_t)x_max;
    identity.y_max = (uint16_t)y_max;
    identity.width_um = (uint32_t)width_um;
    identity.height_um = (uint32_t)height_um;
    identity.interval_us = (uint32_t)interval_us;
    identity.serial_number = serial;
    identity.profile = profile;
    identity.firmware_name = "stampbench-reference";
    identity.firmware_version = SB_LIBRARY_VERSION;
    digitizer.per_report = 5;
    digitizer.contact_limit = identity.contact_limit;
    digitizer.x_max = identity.x_max;
    digitizer.y_max = identity.y_max;
    digitizer.width_mm_100 = (uint16_t)(identity.width_um / 10u);
    digitizer.height_mm_100 = (uint16_t)(identity.height_um / 10u);
    setup.identity = &identity;
    setup.digitizer = capabilities & SB_CAN_HID_REPORTS ? &digitizer : NULL;
    setup.send = send_all;
    setup.press = capabilities & SB_CAN_PRESS ? press : NULL;
    setup.configure = capabilities & SB_CAN_CONFIGURE ? configure : NULL;
    setup.reset = reset;
    setup.wire = wire;
    setup.room = sizeof wire;
    setup.command = command;
    setup.command_room = sizeof command;
    sb_rig_begin(&rig, &setup, 0);
    beat_us = real_us();
    for (;;) {
        struct pollfd ends[2];
        uint8_t bytes[512];
        ssize_t size;

        ends[0].fd = terminal;
        ends[1].fd = rig.pressing ? 0 : -1;
        ends[0].events = ends[1].events = POLLIN;
        if (poll(ends, 2, POLL_MS) < 0)
            return 1;
        if (ends[0].revents & POLLIN && (size = read(terminal, bytes, sizeof bytes)) > 0)
            sb_rig_heard(&rig, bytes, (size_t)size, scan_us);
        if (rig.pressing && ends[1].revents & (POLLIN | POLLHUP)) {
            if (!panel_line())
                return 0;
            if (strncmp(line, "scan ", 5) == 0)
                read_scan(line + 5);
            else if (strcmp(line, "over") == 0)
                sb_rig_press_over(&rig, scan_us);
        }
        if (real_us() - beat_us >= SB_HEARTBEAT_EVERY_US) { /* the clock of scans stands still between presses */
            beat_us = real_us();
            rig.heartbeat_us = scan_us - SB_HEARTBEAT_EVERY_US;
        }
        sb_rig_tick(&rig, scan_us);
    }
}
