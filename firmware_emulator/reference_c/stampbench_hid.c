/* HID input reports of a touchscreen; several for one scan with more contacts than a report holds. */
#include "stampbench.h"

#include <string.h>

#define REPORT_ID 1u
#define SCAN_TIME_US 100u

static uint8_t *little_endian(uint8_t *place, uint32_t value)
{
    *place++ = (uint8_t)(value & 0xFFu);
    *place++ = (uint8_t)(value >> 8 & 0xFFu);
    return place;
}

size_t sb_hid_report(uint8_t *report, size_t room, const sb_digitizer *digitizer, const sb_contact *contacts,
                     uint8_t count, uint8_t first, uint32_t time_us)
{
    size_t size = SB_HID_REPORT_SIZE((size_t)digitizer->per_report);
    uint8_t *place = report, *trailer;
    size_t i;

    if (size > room || digitizer->per_report == 0)
        return 0;
    memset(report, 0, size);
    trailer = report + size - 3;
    *place++ = REPORT_ID;
    for (i = first; i < count && i < (size_t)first + digitizer->per_report; i++) {
        const sb_contact *contact = &contacts[i];

        if (contact->x > digitizer->x_max || contact->y > digitizer->y_max)
            return 0;
        *place++ = contact->tip ? 1 : 0;
        *place++ = contact->id;
        place = little_endian(place, contact->x);
        place = little_endian(place, contact->y);
    }
    trailer = little_endian(trailer, time_us / SCAN_TIME_US & 0xFFFFu);
    *trailer = first == 0 ? count : 0;
    return size;
}
