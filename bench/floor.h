/* What Python and floor.c share. Read by cffi as well: declarations only. Addresses are in network order. */

enum { MOST_STREAMS = 4 };

/* Of libsrtp: session, packet, length. */
typedef int (*srtp_call)(void *, void *, int *);

/* Who gets a stream, and under what name. */
struct receiver {
    void *outbound;
    uint8_t name[16];    /* struct sockaddr_in */
    uint32_t ssrc;       /* host order */
    uint32_t payload_type;
};

struct stream {
    uint32_t ssrc;       /* host order */
    uint32_t receiver_count;
    struct receiver *receivers;
};

/* Who sends, found by address and port. */
struct sender {
    void *inbound;
    uint8_t name[16];
    uint32_t stream_count;
    struct stream streams[MOST_STREAMS];
};

struct table {
    srtp_call protect, unprotect;
    struct sender *senders;
    uint32_t sender_count;
};

/* Forward for ever. */
void floor_run(int fd, const struct table *table);
