/* The packet path for the common case, compiled.
 *
 * Python (media/transport.py and what it calls) can do everything that is done here, and does it on machines
 * without a compiler. This file serves an RTP packet that comes in order on a stream that is already
 * running: decrypt, count, keep, renumber and encrypt for each subscription, send. Whatever is not that -
 * STUN, DTLS, RTCP, key frames, gaps, late packets, beginnings, TCP - is handed to Python as an event before
 * anything of it was counted. tests/media/test_fastpath.py compares both packet for packet.
 *
 * Nothing here allocates for a packet, waits or keeps a pointer that Python does not keep alive.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "reel.h"
#include "fastpath.h"

enum { CALM_REPORTS = 5, MOST_BLOCKS = 16, BLOCK_HEADER = 4 }; /* media/redundancy.py */
enum { HEADER = 12, NUMBERED_HEADER = 20, OVERHEAD = 64, ONE_BYTE_PROFILE = 0xBEDE, TWO_BYTE_PROFILE = 0x100 };
#define BELIEVABLE_TRANSIT 10.0
#define LONGEST_WAIT 1.0 /* seconds a datagram may have lain in the socket */
#define AT_ONCE 5e-5 /* seconds between two readings of a clock with nobody else at work between them */
enum { CLOCK_TRIES = 4 };

/* A parsed RTP header (RFC 3550 section 5.1). */
struct packet {
    const uint8_t *data;
    int length, offset, end; /* the payload is data[offset..end) */
    int primary; /* where the primary block begins; `offset` unless the packet repeats what was before */
    int extensions, extensions_end; /* of one-byte elements; equal when there are none */
    uint32_t timestamp;
    int64_t index;
    int level; /* -dBov, -1 unknown */
    uint8_t marker;
};

static uint16_t read16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t read32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static void write16(uint8_t *p, uint16_t v) { p[0] = v >> 8; p[1] = (uint8_t)v; }
static void write32(uint8_t *p, uint32_t v) { write16(p, v >> 16); write16(p + 2, (uint16_t)v); }

/* --- addresses ------------------------------------------------------------------------------------ */

static uint32_t bucket_of(const char *key, uint32_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a; only addresses that passed an ICE check get in */
    for (uint32_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    return (hash ^ hash >> 15) & 1023;
}

static struct address **find_address(struct worker *worker, const char *key, uint32_t length)
{
    struct address **place = &worker->addresses[bucket_of(key, length)];
    while (*place && !((*place)->length == length && !memcmp((*place)->key, key, length))) place = &(*place)->next;
    return place;
}

int bind_address(struct worker *worker, const char *key, uint32_t length, struct transport *transport)
{
    if (length > NAME_LENGTH) return -1;
    struct address **place = find_address(worker, key, length);
    if (!*place) {
        struct address *fresh = calloc(1, sizeof *fresh);
        if (!fresh) return -1;
        memcpy(fresh->key, key, length);
        fresh->length = length;
        *place = fresh;
    }
    (*place)->transport = transport;
    return 0;
}

void unbind_address(struct worker *worker, const char *key, uint32_t length)
{
    if (length > NAME_LENGTH) return;
    struct address **place = find_address(worker, key, length), *gone = *place;
    if (!gone) return;
    *place = gone->next;
    free(gone);
}

/* --- sending -------------------------------------------------------------------------------------- */

void flush_port(struct port *port)
{
    struct mmsghdr *messages = port->out_messages;
    int count = port->pending, done = 0, failed = 0;
    port->pending = 0;
    while (done < count) {
        int result = sendmmsg(port->fd, messages + done, (unsigned)(count - done), 0);
        if (result > 0) {
            done += result;
        } else if (errno == EINTR) {
            continue;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            failed += count - done; /* as any router on the way would do */
            break;
        } else {
            done++; /* one destination is unreachable; the others must not suffer for it */
            failed++;
        }
    }
    port->sent += count - failed;
    port->dropped += failed;
}

static void flush_ports(struct worker *worker)
{
    for (int i = 0; i < worker->port_count; i++)
        if (worker->ports[i]->pending) flush_port(worker->ports[i]);
}

static int note_sent(struct sentlog *log, int size, double now)
{
    int64_t number = log->next++;
    log->times[number & (SENT_LOG - 1)] = now;
    log->sizes[number & (SENT_LOG - 1)] = size;
    return (int)(number & 0xFFFF);
}

/* Offsets of picture id and TL0PICIDX in a VP8 payload (RFC 7741 section 4.2), 0 where missing. */
static void picture_fields(const uint8_t *payload, int length, int *picture, int *tl0, int *is_long)
{
    *picture = *tl0 = *is_long = 0;
    if (length < 3 || !(payload[0] & 0x80)) return;
    int found = payload[1] & 0x80 ? 2 : 0, wide = found && payload[2] & 0x80;
    int level = payload[1] & 0x40 ? 2 + (found ? 1 + wide : 0) : 0;
    if ((found + wide > level ? found + wide : level) >= length) return;
    *picture = found;
    *tl0 = level;
    *is_long = wide;
}

static int picture_number(const uint8_t *payload, int at)
{
    return payload[at] & 0x80 ? (payload[at] & 0x7F) << 8 | payload[at + 1] : payload[at];
}

/* Put the outgoing numbers into a copied payload; remember the layer's own when it is the furthest. */
static void translate_pictures(struct subscription *to, uint8_t *payload, int length, int is_furthest)
{
    int picture, tl0, is_long;
    picture_fields(payload, length, &picture, &tl0, &is_long);
    if (is_furthest) {
        to->last_picture = picture ? picture_number(payload, picture) : -1;
        to->last_tl0 = tl0 ? payload[tl0] : -1;
        to->last_is_long = (uint8_t)is_long;
    }
    if (!to->is_shifted) return;
    if (is_long) {
        int number = picture_number(payload, picture) + to->picture_shift;
        payload[picture] = 0x80 | (number >> 8 & 0x7F);
        payload[picture + 1] = (uint8_t)number;
    } else if (picture) {
        payload[picture] = (payload[picture] + to->picture_shift) & 0x7F;
    }
    if (tl0) payload[tl0] += to->tl0_shift;
}

/* As RedundancyOut.is_due. */
static int wants_redundancy(struct subscription *to, int64_t index)
{
    if (!to->redundant_type) return 0;
    int after_hole = index != to->last_redundant + 1;
    if (index > to->last_redundant) to->last_redundant = index;
    return after_hole || to->calm < CALM_REPORTS;
}

static void send_copy(struct worker *worker, struct subscription *to, const struct packet *packet, double now)
{
    struct outlet *outlet = to->outlet;
    struct port *port = outlet->port;
    int64_t number = packet->index + to->offset;
    int is_whole = packet->primary != packet->offset && wants_redundancy(to, packet->index);
    int from = is_whole ? packet->offset : packet->primary;
    int length = packet->end - from, is_furthest = number > to->highest;
    if (is_furthest) {
        to->highest = number;
        to->sent_timestamp = packet->timestamp + to->timestamp_offset;
        to->sent_at = now;
    }
    to->whole = packet->marker;
    to->packets++;
    to->octets += packet->end - packet->primary;
    if (port->pending == BATCH) flush_port(port);
    int slot = port->pending;
    uint8_t *out = (uint8_t *)port->out_slots + slot * STRIDE;
    int start = outlet->sent ? NUMBERED_HEADER : HEADER;
    out[0] = outlet->sent ? 0x90 : 0x80;
    out[1] = (is_whole ? to->redundant_type : to->payload_type) | packet->marker << 7;
    write16(out + 2, (uint16_t)number);
    write32(out + 4, packet->timestamp + to->timestamp_offset);
    write32(out + 8, to->ssrc);
    if (outlet->sent) {
        write16(out + 12, ONE_BYTE_PROFILE);
        write16(out + 14, 1);
        out[16] = outlet->sent->element;
        write16(out + 17, (uint16_t)note_sent(outlet->sent, length + OVERHEAD, now));
        out[19] = 0;
    }
    memcpy(out + start, packet->data + from, (size_t)length);
    if (to->has_pictures && length) translate_pictures(to, out + start, length, is_furthest);
    int total = start + length;
    if (worker->protect(outlet->srtp, out, &total)) {
        worker->protect_failed++;
        return;
    }
    struct msghdr *message = &((struct mmsghdr *)port->out_messages)[slot].msg_hdr;
    message->msg_iov->iov_len = (size_t)total;
    message->msg_name = outlet->name;
    port->pending = slot + 1;
}

/* --- receiving ------------------------------------------------------------------------------------ */

static int parse(const uint8_t *data, int length, struct packet *packet)
{
    if (length < HEADER || data[0] >> 6 != 2) return -1;
    int offset = HEADER + 4 * (data[0] & 0x0F), end = length;
    packet->extensions = packet->extensions_end = 0;
    if (data[0] & 0x10) {
        if (length < offset + 4) return -1;
        int profile = read16(data + offset), words = read16(data + offset + 2);
        if (profile >> 4 == TWO_BYTE_PROFILE) return -1; /* nobody asked for it: Python may look at it */
        if (profile == ONE_BYTE_PROFILE) {
            packet->extensions = offset + 4;
            packet->extensions_end = offset + 4 + 4 * words;
        }
        offset += 4 + 4 * words;
    }
    if (data[0] & 0x20) {
        if (!data[length - 1]) return -1;
        end -= data[length - 1];
    }
    if (end < offset) return -1;
    packet->data = data;
    packet->length = length;
    packet->offset = offset;
    packet->end = end;
    packet->marker = data[1] >> 7;
    packet->timestamp = read32(data + 4);
    return 0;
}

/* Where the value of an element stands (RFC 8285 section 4.2), 0 when it is not there or runs past the end. */
static int find_element(const struct packet *packet, int id)
{
    int at = packet->extensions;
    while (at < packet->extensions_end) {
        int head = packet->data[at++];
        if (!head) continue;
        if (head >> 4 == 15 || at + (head & 0x0F) + 1 > packet->extensions_end) return 0;
        if (head >> 4 == id) return at;
        at += (head & 0x0F) + 1;
    }
    return 0;
}

static void note_arrival(struct arrivals *log, const struct packet *packet, double now)
{
    int found = find_element(packet, log->element >> 4);
    if (!found || packet->data[found - 1] != log->element || log->count >= MOST_ARRIVALS) return;
    log->number[log->count] = read16(packet->data + found);
    log->at[log->count++] = now;
}

static int begins_vp8_key_frame(const uint8_t *p, int length)
{
    if (length < 1 || !(p[0] & 0x10) || p[0] & 0x07) return 0;
    int offset = 1;
    if (p[0] & 0x80) {
        if (length < 2) return 0;
        offset = 2;
        if (p[1] & 0x80) offset += length > 2 && p[2] & 0x80 ? 2 : 1;
        offset += !!(p[1] & 0x40) + !!(p[1] & 0x30);
    }
    return length > offset && !(p[offset] & 1);
}

/* Whether Python should look: rather once too often than once too seldom. */
static int may_begin_key_frame(int codec, const uint8_t *p, int length)
{
    if (codec == OPUS) return 0;
    if (codec == VP8) return begins_vp8_key_frame(p, length);
    if (codec != H264 || length < 2) return 1;
    int kind = p[0] & 0x1F; /* a slice (1), or a later part of one in a fragment (28), begins none */
    if (kind == 28) return p[1] & 0x80 && (p[1] & 0x1F) != 1;
    return kind != 1;
}

/* The primary block of sound that repeats itself (RFC 2198); refuses what media/redundancy.py refuses. */
static int find_primary(const struct stream *stream, int type, struct packet *packet)
{
    packet->primary = packet->offset;
    if (type == stream->payload_type) return 0;
    const uint8_t *data = packet->data;
    int at = packet->offset, repeated = 0, blocks = 0;
    while (at < packet->end && data[at] & 0x80) {
        if (at + BLOCK_HEADER > packet->end || blocks++ == MOST_BLOCKS) return -1;
        repeated += read16(data + at + 2) & 0x3FF;
        at += BLOCK_HEADER;
    }
    if (at + 1 + repeated >= packet->end || (data[at] & 0x7F) != stream->payload_type) return -1;
    packet->primary = at + 1 + repeated;
    return 0;
}

/* Whether the packet is served here: none came that follows it, and every subscription is settled. */
static int is_common(const struct stream *stream, struct packet *packet)
{
    if (!stream->is_open || stream->sequence < 0) return 0;
    int16_t step = (int16_t)(read16(packet->data + 2) - (uint16_t)stream->sequence);
    packet->index = stream->sequence + step;
    if (step < 1 || step > LARGEST_GAP || stream->sequence != stream->loss_highest) return 0;
    if (may_begin_key_frame(stream->codec, packet->data + packet->offset, packet->end - packet->offset)) return 0;
    if (stream->orientation_id && find_element(packet, stream->orientation_id)) return 0;
    for (int i = 0; i < stream->subscription_count; i++) {
        const struct subscription *to = stream->subscriptions[i];
        if (to->state == WAITING) return 0;
        if (to->state == SENDING && to->layer == stream && packet->index < to->floor) return 0;
    }
    return 1;
}

/* The TID of a VP8 payload (RFC 7741 section 4.2), 0 where it tells none. As level_of of media/temporal.py. */
static int temporal_level(const uint8_t *p, int length)
{
    if (length < 3 || !(p[0] & 0x80) || !(p[1] & 0x20)) return 0;
    int at = 2 + (p[1] & 0x80 ? p[2] & 0x80 ? 2 : 1 : 0) + (p[1] >> 6 & 1);
    return at < length ? p[at] >> 6 : 0;
}

static void count(struct stream *stream, const struct packet *packet, double now)
{
    stream->heard_at = now;
    stream->received++;
    stream->bytes += packet->length;
    stream->sequence = stream->loss_highest = packet->index;
    if (packet->index > stream->highest) {
        stream->highest = packet->index;
        double transit = now * stream->clock_rate - packet->timestamp;
        if (stream->has_transit) {
            double difference = transit > stream->transit ? transit - stream->transit : stream->transit - transit;
            if (difference < stream->clock_rate * BELIEVABLE_TRANSIT)
                stream->jitter += (difference - stream->jitter) / 16;
        }
        stream->transit = transit;
        stream->has_transit = 1;
    }
    if (stream->codec == VP8) {
        int level = temporal_level(packet->data + packet->offset, packet->end - packet->offset);
        if (level > stream->top_level) stream->top_level = (uint8_t)level;
    }
    int found = stream->codec == OPUS && stream->level_id ? find_element(packet, stream->level_id) : 0;
    if (found) {
        int level = packet->data[found] & 0x7F;
        stream->level = level < stream->level ? level : stream->level + (level - stream->level) * 0.1;
        stream->level_at = now;
    }
}

static void keep(struct cache *cache, const struct packet *packet)
{
    int place = (int)(packet->index & (cache->places - 1)), length = packet->length;
    if (length > cache->size || (cache->start[place] >= 0 && cache->index[place] >= packet->index)) return;
    int64_t start = cache->written;
    int left = cache->size - (int)(start & (cache->size - 1));
    if (left < length) start += left; /* in one piece */
    memcpy(cache->ring + (start & (cache->size - 1)), packet->data, (size_t)length);
    cache->written = start + length;
    cache->index[place] = packet->index;
    cache->start[place] = start;
    cache->length[place] = (uint16_t)length;
}

static int add_event(struct worker *worker, int kind, int slot, int length, int number, int64_t index)
{
    worker->events[worker->event_count++] = (struct event){(uint8_t)kind, (uint16_t)slot, (uint16_t)length, number, index};
    return 0;
}

static void record(struct worker *worker, int slot, const struct stream *stream, const struct packet *packet, double now)
{
    struct reel *reel = stream->reel;
    int before = reel->end;
    if (reel->full == worker->batch /* none may overtake the one that did not fit */
        || wind(reel, (const char *)packet->data, packet->length, now, worker->wall_offset)) {
        reel->full = worker->batch;
        add_event(worker, EVENT_UNWOUND, slot, packet->length, stream->number, packet->index);
    } else if (before <= reel->size / 2 && reel->end > reel->size / 2) {
        add_event(worker, EVENT_REEL, slot, 0, stream->number, 0);
    }
}

static void forward(struct worker *worker, struct stream *stream, const struct packet *packet, int slot, double now)
{
    int by_hand = stream->is_shared;
    stream->forwarded++;
    worker->forwarded++;
    keep(stream->cache, packet);
    for (int i = 0; i < stream->subscription_count; i++) {
        struct subscription *to = stream->subscriptions[i];
        if (to->state == BY_HAND || (to->state == SENDING && !to->outlet->port)) by_hand = 1;
        else if (to->state == SENDING && to->layer == stream) send_copy(worker, to, packet, now);
    }
    if (by_hand) add_event(worker, EVENT_SHARED, slot, packet->length, stream->number, packet->index);
    if (stream->reel) record(worker, slot, stream, packet, now);
}

static double monotonic(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

/* Both clocks at one moment. Where the processor was taken away between two readings, they are read again:
 * whatever lies between them would be added to every time of a batch. */
static double read_clocks(struct timespec *wall)
{
    double before = monotonic(), after = before;
    for (int tries = 0; tries < CLOCK_TRIES; tries++) {
        clock_gettime(CLOCK_REALTIME, wall);
        after = monotonic();
        if (after - before < AT_ONCE) break;
        before = after;
    }
    return after;
}

/* When the datagrams of a batch came, by the kernel (SO_TIMESTAMPNS, wall clock): this process may have been
 * busy meanwhile, and to a sender that looks like a network that fills up. A time that cannot be, because the
 * wall clock was set, counts as unknown. */
static void read_arrivals(struct port *port, int count)
{
    struct mmsghdr *messages = port->in_messages;
    struct timespec wall, at;
    double now = read_clocks(&wall);
    for (int slot = 0; slot < count; slot++) {
        struct msghdr *header = &messages[slot].msg_hdr;
        struct cmsghdr *control = CMSG_FIRSTHDR(header);
        port->arrived[slot] = 0;
        if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&at, CMSG_DATA(control), sizeof at);
            double ago = (double)(wall.tv_sec - at.tv_sec) + (double)(wall.tv_nsec - at.tv_nsec) * 1e-9;
            if (ago >= 0 && ago < LONGEST_WAIT) port->arrived[slot] = now - ago;
        }
        header->msg_controllen = CONTROL_LENGTH;
    }
}

static int receive(struct worker *worker, const struct port *port, int slot, int length, double now)
{
    uint8_t *data = (uint8_t *)port->in_slots + slot * STRIDE;
    if (length < HEADER || data[0] < 128 || data[0] >= 192 || (data[1] >= 192 && data[1] < 224))
        return add_event(worker, EVENT_RAW, slot, length, 0, 0);
    struct address *address = *find_address(worker, port->in_names + slot * NAME_LENGTH, (uint32_t)port->key_length);
    struct transport *transport = address ? address->transport : NULL;
    struct stream *stream = NULL;
    uint32_t ssrc = read32(data + 8);
    if (transport && transport->srtp)
        for (int i = 0; i < transport->stream_count && !stream; i++)
            if (transport->streams[i]->ssrc == ssrc) stream = transport->streams[i];
    int type = data[1] & 0x7F;
    if (!stream || (stream->payload_type != type && (!type || stream->redundant_type != type)))
        return add_event(worker, EVENT_RAW, slot, length, 0, 0);
    int failed = worker->unprotect(transport->srtp, data, &length);
    if (failed) {
        return add_event(worker, EVENT_REFUSED, slot, length, failed, 0);
    }
    struct packet packet;
    if (transport->deferred == worker->batch || parse(data, length, &packet)
        || find_primary(stream, type, &packet) || !is_common(stream, &packet)) {
        transport->deferred = worker->batch;
        return add_event(worker, EVENT_DECRYPTED, slot, length, transport->number, 0);
    }
    transport->last_seen = now;
    if (transport->arrivals)
        note_arrival(transport->arrivals, &packet, port->arrived[slot] > 0 ? port->arrived[slot] : now);
    int missing = (int)(packet.index - stream->sequence - 1);
    count(stream, &packet, now);
    if (missing || now >= stream->due_at)
        add_event(worker, EVENT_MISSING, slot, missing, stream->number, packet.index);
    forward(worker, stream, &packet, slot, now);
    return 0;
}

int read_batch(struct worker *worker, struct port *port, double now)
{
    struct mmsghdr *messages = port->in_messages;
    int count = recvmmsg(port->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) return 0;
    worker->batch++;
    port->received += count;
    if (port->in_controls) read_arrivals(port, count);
    for (int slot = 0; slot < count; slot++) {
        int length = (int)messages[slot].msg_len;
        if (length > LARGEST) port->oversized++;
        else receive(worker, port, slot, length, now);
    }
    if (!worker->event_count) flush_ports(worker); /* else Python adds its part first */
    return count;
}

/* --- waiting -------------------------------------------------------------------------------------- */

static int milliseconds_until(double deadline)
{
    if (deadline < 0) return -1;
    double left = deadline - monotonic();
    return left <= 0 ? 0 : left > 1e6 ? 1000000000 : (int)(left * 1e3) + 1;
}

static struct port *port_of(const struct worker *worker, int fd)
{
    for (int i = 0; i < worker->port_count; i++)
        if (worker->ports[i]->fd == fd) return worker->ports[i];
    return NULL;
}

/* epoll_wait that serves the UDP ports itself and returns when there is something for Python: another
 * descriptor, an event, a signal, or the deadline (monotonic seconds, -1 for none). Returns how many
 * descriptors stand in ready_fd; a port stands there when events wait for Python. */
int wait_ready(struct worker *worker, int epoll_fd, double deadline)
{
    struct epoll_event found[MOST_READY];
    for (;;) {
        int count = epoll_wait(epoll_fd, found, MOST_READY, milliseconds_until(deadline)), ready = 0;
        if (count <= 0) return 0;
        double now = monotonic();
        for (int i = 0; i < count; i++) {
            struct port *port = found[i].events & EPOLLIN ? port_of(worker, found[i].data.fd) : NULL;
            if (port) {
                if (worker->event_count) continue; /* one port at a time: the rest stays readable */
                read_batch(worker, port, now);
                if (!worker->event_count) continue;
            }
            worker->ready_fd[ready] = found[i].data.fd;
            worker->ready_events[ready++] = found[i].events;
        }
        if (ready || (deadline >= 0 && now >= deadline)) return ready;
    }
}
