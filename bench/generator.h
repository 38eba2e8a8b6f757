/* What Python and generator.c share. Read by cffi as well: declarations only, no directives.
   `due`, `began` and `until` are ns of CLOCK_MONOTONIC, stamps and arrivals ns of CLOCK_REALTIME. */

enum {
    SLOTS = 64,          /* datagrams taken by one system call */
    SLOT_SIZE = 2048,
    MOST_PARTS = 8,      /* packets of one cycle of a track */
    MOST_SOURCES = 128,  /* streams one wire hears */
    MOST_LETTERS = 1024, /* datagrams that wait for Python */
    LETTER_SIZE = 1600,
    MOST_ARRIVALS = 1024 /* transport-wide numbers that wait to be told */
};

/* Of libsrtp: session, packet, length. */
typedef int (*srtp_call)(void *, void *, int *);

/* A stream that arrives. */
struct source {
    uint32_t ssrc;
    uint32_t highest;    /* extended sequence number */
    uint32_t largest;    /* bytes of its largest packet */
    uint64_t packets;
};

/* One transport of a peer. */
struct wire {
    int32_t index;       /* for Python */
    int32_t fd, wide_id; /* id of the transport-wide extension, 0 without */
    void *inbound, *outbound;
    uint64_t received, replayed, refused, send_errors;
    uint32_t source_count, arrival_count;
    uint32_t wide_next;  /* transport-wide number of the next packet out */
    struct source sources[MOST_SOURCES];
    uint16_t arrival_numbers[MOST_ARRIVALS];
    int64_t arrival_times[MOST_ARRIVALS];
};

/* One packet of a cycle, and when it is sent after the cycle's beginning. */
struct part {
    const uint8_t *data;
    uint32_t size;
    int64_t offset;
};

/* A stream that is sent: a cycle of prepared packets, again and again. A cycle of video is a frame. */
struct track {
    struct wire *wire;
    struct part parts[MOST_PARTS];
    struct part key;     /* instead of parts[0] for a key frame; size 0: there are none */
    int64_t due, began, cycle;
    uint64_t octets;
    uint32_t part_count, part, frame, key_interval, key_wanted, key_frames;
    uint32_t track, number, ssrc, sequence, timestamp, timestamp_step;
    int32_t payload_type, marker;
    int32_t picture_at, wide_at; /* where in a packet, -1: nowhere */
};

/* What is not RTP goes to Python; RTCP is decrypted. */
struct letter {
    struct wire *wire;
    int32_t is_rtcp;
    int32_t size;
    uint8_t data[LETTER_SIZE];
};

struct engine {
    srtp_call protect, unprotect, unprotect_rtcp;
    struct track **tracks; /* a heap by `due` */
    struct wire **wires;
    uint32_t track_count, wire_count;
    int64_t poll_interval, next_poll, next_look;
    uint32_t next_wire;
    int64_t window_start, window_end;
    uint64_t sent, delivered, late, resets; /* in the window; late: by more than 5 ms */
    int64_t worst_late;
    int64_t *latencies;
    uint64_t latency_count, latency_capacity;
    uint32_t letter_count;
    uint64_t letters_lost;
    struct letter letters[MOST_LETTERS];
};

/* Put the tracks in order; once, before generator_run. */
void generator_begin(struct engine *engine);
/* Send and receive until then, or until half of the letters are taken. */
void generator_run(struct engine *engine, int64_t until);
