/* The load generator's own hot path: sends prepared RTP when it is due, takes in and decrypts all that comes.
   Everything that is neither RTP nor time is left to Python (bench/engine.py). */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "generator.h"

enum { RTP_HEADER = 12, STAMP = 16, TRAILER = 32, LATE = 5000000, STOOD_STILL = 1000000000, LOOK = 1000000 };
enum { REPLAYED = 9, TOO_OLD = 10 }; /* srtp_err_status_replay_fail and replay_old */

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = value >> 8;
    at[1] = value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

static uint32_t get32(const uint8_t *at) { return get16(at) << 16 | get16(at + 2); }

/* The heap of tracks */

static void sift(struct engine *engine) {
    struct track **heap = engine->tracks, *moved = heap[0];
    uint32_t at = 0, count = engine->track_count;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count) break;
        if (child + 1 < count && heap[child + 1]->due < heap[child]->due) child++;
        if (heap[child]->due >= moved->due) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static int by_due(const void *left, const void *right) {
    int64_t a = (*(struct track *const *)left)->due, b = (*(struct track *const *)right)->due;
    return (a > b) - (a < b);
}

void generator_begin(struct engine *engine) {
    qsort(engine->tracks, engine->track_count, sizeof *engine->tracks, by_due);
}

/* Sending */

static const struct part *next_part(struct track *track) {
    if (track->part) return &track->parts[track->part];
    track->began = track->due;
    if (track->key.size && (track->key_wanted || track->frame % track->key_interval == 0)) {
        track->key_wanted = 0;
        track->key_frames++;
        return &track->key;
    }
    return &track->parts[0];
}

static void advance(struct track *track) {
    if (++track->part < track->part_count) {
        track->due = track->began + track->parts[track->part].offset;
        return;
    }
    track->part = 0;
    track->frame++;
    track->timestamp += track->timestamp_step;
    track->due = track->began + track->cycle;
}

static int prepare(struct track *track, const struct part *part, uint8_t *packet, int64_t stamp) {
    int last = track->part + 1 == track->part_count;
    memcpy(packet, part->data, part->size);
    packet[0] = 0x90;
    packet[1] = track->payload_type | (last && track->marker ? 0x80 : 0);
    put16(packet + 2, track->sequence++);
    put32(packet + 4, track->timestamp);
    put32(packet + 8, track->ssrc);
    if (track->picture_at >= 0) put16(packet + track->picture_at, 0x8000 | (track->frame & 0x7FFF));
    if (track->wide_at >= 0) put16(packet + track->wide_at, track->wire->wide_next++);
    uint8_t *end = packet + part->size - STAMP;
    put32(end, track->track);
    put32(end + 4, track->number++);
    put32(end + 8, (uint64_t)stamp >> 32);
    put32(end + 12, stamp);
    track->octets += part->size;
    return part->size;
}

static void send_one(struct engine *engine, struct track *track, int64_t now) {
    uint8_t packet[SLOT_SIZE];
    if (now - track->due > STOOD_STILL) {
        /* The machine stood still: do not answer with a burst. */
        engine->resets++;
        track->due = now;
    }
    int64_t behind = now - track->due, stamp = clock_ns(CLOCK_REALTIME);
    int length = prepare(track, next_part(track), packet, stamp);
    if (stamp >= engine->window_start && stamp < engine->window_end) {
        engine->sent++;
        if (behind > LATE) engine->late++;
        if (behind > engine->worst_late) engine->worst_late = behind;
    }
    advance(track);
    if (engine->protect(track->wire->outbound, packet, &length) ||
        send(track->wire->fd, packet, length, MSG_DONTWAIT) < 0)
        track->wire->send_errors++;
}

static void send_due(struct engine *engine, int64_t now) {
    while (engine->track_count && engine->tracks[0]->due <= now) {
        send_one(engine, engine->tracks[0], now);
        sift(engine);
    }
}

/* Receiving */

static int64_t arrival_of(struct msghdr *header) {
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    struct timespec at;
    if (!control || control->cmsg_type != SCM_TIMESTAMPNS) return clock_ns(CLOCK_REALTIME);
    memcpy(&at, CMSG_DATA(control), sizeof at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void note_source(struct wire *wire, uint32_t ssrc, uint32_t sequence, uint32_t size) {
    struct source *source = wire->sources, *end = source + wire->source_count;
    while (source < end && source->ssrc != ssrc) source++;
    if (source == end) {
        if (wire->source_count == MOST_SOURCES) return;
        wire->source_count++;
        *source = (struct source){ssrc, sequence, size, 0};
    }
    int16_t ahead = (int16_t)(sequence - source->highest);
    if (ahead > 0) source->highest += ahead;
    if (size > source->largest) source->largest = size;
    source->packets++;
}

/* One-byte header extensions (RFC 8285 section 4.2). */
static void note_wide(struct wire *wire, const uint8_t *packet, int length, int64_t arrived) {
    int at = RTP_HEADER + 4 * (packet[0] & 0x0F) + 4;
    if (!(packet[0] & 0x10) || at > length || wire->arrival_count == MOST_ARRIVALS) return;
    int end = at + 4 * get16(packet + at - 2);
    while (at + 2 < end && end <= length) {
        if (packet[at] == (wire->wide_id << 4 | 1)) {
            wire->arrival_numbers[wire->arrival_count] = get16(packet + at + 1);
            wire->arrival_times[wire->arrival_count++] = arrived;
            return;
        }
        at += packet[at] ? (packet[at] & 0x0F) + 2 : 1;
    }
}

static void take_rtp(struct engine *engine, struct wire *wire, uint8_t *packet, int length, int64_t arrived) {
    int failed = engine->unprotect(wire->inbound, packet, &length);
    if (failed) {
        *(failed == REPLAYED || failed == TOO_OLD ? &wire->replayed : &wire->refused) += 1;
        return;
    }
    if (wire->wide_id) note_wide(wire, packet, length, arrived);
    /* Padding and whatever else is no packet of ours carries no stamp. */
    if (packet[0] & 0x20 || length < RTP_HEADER + STAMP) return;
    note_source(wire, get32(packet + 8), get16(packet + 2), length);
    const uint8_t *stamp = packet + length - STAMP;
    int64_t sent = (int64_t)((uint64_t)get32(stamp + 8) << 32 | get32(stamp + 12));
    if (sent < engine->window_start || sent >= engine->window_end) return;
    engine->delivered++;
    if (engine->latency_count < engine->latency_capacity)
        engine->latencies[engine->latency_count++] = arrived - sent;
}

static void mail(struct engine *engine, struct wire *wire, uint8_t *data, int length, int is_rtcp) {
    if (is_rtcp && engine->unprotect_rtcp(wire->inbound, data, &length)) {
        wire->refused++;
        return;
    }
    if (engine->letter_count == MOST_LETTERS || length > LETTER_SIZE) {
        engine->letters_lost++;
        return;
    }
    struct letter *letter = &engine->letters[engine->letter_count++];
    letter->wire = wire;
    letter->is_rtcp = is_rtcp;
    letter->size = length;
    memcpy(letter->data, data, length);
}

static void take(struct engine *engine, struct wire *wire, uint8_t *data, int length, int64_t arrived) {
    int is_media = length >= RTP_HEADER && data[0] > 127 && data[0] < 192; /* RFC 7983 */
    if (!is_media)
        mail(engine, wire, data, length, 0);
    else if (data[1] > 191 && data[1] < 224) /* RFC 5761 section 4 */
        mail(engine, wire, data, length, 1);
    else
        take_rtp(engine, wire, data, length, arrived);
}

static _Thread_local uint8_t slots[SLOTS][SLOT_SIZE], control[SLOTS][64];
static _Thread_local struct mmsghdr messages[SLOTS];
static _Thread_local struct iovec vectors[SLOTS];

static void lay_out(int from, int to) {
    for (int i = from; i < to; i++) {
        vectors[i] = (struct iovec){slots[i], SLOT_SIZE - TRAILER};
        messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = 64};
    }
}

static void poll_wire(struct engine *engine, struct wire *wire) {
    int count;
    do {
        count = recvmmsg(wire->fd, messages, SLOTS, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++)
            take(engine, wire, slots[i], messages[i].msg_len, arrival_of(&messages[i].msg_hdr));
        if (count > 0) {
            wire->received += count;
            lay_out(0, count);
        }
    } while (count == SLOTS);
}

/* Every wire once in `poll_interval`, some of them each millisecond, so that no long look delays what is due
   and no short ones keep the core awake. */
static void poll_due(struct engine *engine, int64_t now) {
    if (!engine->wire_count || now < engine->next_look) return;
    engine->next_look = now + LOOK;
    int64_t step = engine->poll_interval / engine->wire_count;
    if (now - engine->next_poll > engine->poll_interval) engine->next_poll = now - engine->poll_interval;
    while (engine->next_poll <= now) {
        engine->next_poll += step;
        poll_wire(engine, engine->wires[engine->next_wire]);
        engine->next_wire = (engine->next_wire + 1) % engine->wire_count;
    }
}

static void wait_until(int64_t when) {
    struct timespec at = {when / 1000000000LL, when % 1000000000LL};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

void generator_run(struct engine *engine, int64_t until) {
    lay_out(0, SLOTS);
    for (;;) {
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        send_due(engine, now);
        poll_due(engine, now);
        now = clock_ns(CLOCK_MONOTONIC);
        if (now >= until || engine->letter_count > MOST_LETTERS / 2) return;
        int64_t next = until;
        if (engine->track_count && engine->tracks[0]->due < next) next = engine->tracks[0]->due;
        if (engine->wire_count && engine->next_look < next) next = engine->next_look;
        if (next > now) wait_until(next);
    }
}
