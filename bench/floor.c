/* The barest forwarding loop: wait, receive, unprotect once, and for each receiver copy, patch the header,
   protect, send. No rooms, no numbers of its own, no statistics, no caches, no feedback. What a forwarder
   costs above this is its own; what this costs is the kernel, AES and a copy. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "floor.h"

enum { BATCH = 64, SLOT = 2048, ROUNDS = 4, HEADER = 12 };

static uint8_t slots_in[BATCH][SLOT], slots_out[BATCH][SLOT];
static struct sockaddr_in names_in[BATCH];
static struct iovec vectors_in[BATCH], vectors_out[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];
static const struct sender *by_port[65536];
static unsigned pending;

static void prepare(const struct table *table) {
    for (int i = 0; i < BATCH; i++) {
        vectors_in[i] = (struct iovec){slots_in[i], SLOT - 64};
        vectors_out[i] = (struct iovec){slots_out[i], 0};
        in[i].msg_hdr = (struct msghdr){.msg_name = &names_in[i], .msg_namelen = sizeof names_in[i],
                                        .msg_iov = &vectors_in[i], .msg_iovlen = 1};
        out[i].msg_hdr = (struct msghdr){.msg_namelen = sizeof names_in[i], .msg_iov = &vectors_out[i],
                                         .msg_iovlen = 1};
    }
    for (uint32_t i = 0; i < table->sender_count; i++) {
        struct sockaddr_in name;
        memcpy(&name, table->senders[i].name, sizeof name);
        by_port[ntohs(name.sin_port)] = &table->senders[i];
    }
}

static void flush(int fd) {
    unsigned done = 0;
    while (done < pending) {
        int sent = sendmmsg(fd, out + done, pending - done, 0);
        done += sent > 0 ? sent : 1;
    }
    pending = 0;
}

static void put32(uint8_t *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

static void copy_to(int fd, const struct table *table, const struct receiver *receiver, const uint8_t *packet,
                    int length) {
    if (pending == BATCH) flush(fd);
    uint8_t *slot = slots_out[pending];
    memcpy(slot, packet, length);
    slot[1] = (packet[1] & 0x80) | receiver->payload_type;
    put32(slot + 8, receiver->ssrc);
    if (table->protect(receiver->outbound, slot, &length)) return;
    vectors_out[pending].iov_len = length;
    out[pending].msg_hdr.msg_name = (void *)receiver->name;
    pending++;
}

static void forward(int fd, const struct table *table, int i) {
    uint8_t *packet = slots_in[i];
    int length = in[i].msg_len;
    const struct sender *sender = by_port[ntohs(names_in[i].sin_port)];
    int is_rtp = length > HEADER && packet[0] > 127 && packet[0] < 192 && (packet[1] < 192 || packet[1] > 223);
    if (!sender || !is_rtp || table->unprotect(sender->inbound, packet, &length)) return;
    uint32_t ssrc;
    memcpy(&ssrc, packet + 8, 4);
    ssrc = ntohl(ssrc);
    for (uint32_t s = 0; s < sender->stream_count; s++)
        if (sender->streams[s].ssrc == ssrc)
            for (uint32_t r = 0; r < sender->streams[s].receiver_count; r++)
                copy_to(fd, table, &sender->streams[s].receivers[r], packet, length);
}

void floor_run(int fd, const struct table *table) {
    struct pollfd readable = {fd, POLLIN, 0};
    prepare(table);
    for (;;) {
        poll(&readable, 1, -1);
        for (int round = 0; round < ROUNDS; round++) {
            int count = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
            for (int i = 0; i < count; i++) forward(fd, table, i);
            flush(fd);
            if (count < BATCH) break;
        }
    }
}
