/* State of the packet path that Python and fastpath.c share. Read by cffi as well: declarations only.
   Times are monotonic seconds, -1 where there is none yet. Indexes are unwrapped sequence numbers. */

enum {
    BATCH = 64,          /* datagrams read or sent by one system call */
    STRIDE = 2048,       /* bytes of a slot */
    LARGEST = 1800,      /* larger datagrams are dropped */
    LARGEST_GAP = 256,   /* packets; more are a jump */
    NAME_LENGTH = 32,    /* bytes of a slot for a socket address */
    CONTROL_LENGTH = 64, /* bytes of a slot for what the kernel tells of a datagram */
    MOST_STREAMS = 16,   /* incoming SSRCs of one transport that are known here */
    MOST_ARRIVALS = 2000,
    SENT_LOG = 4096,
    CACHE_PLACES = 512,
    MOST_PORTS = 16,     /* UDP sockets of one worker */
    MOST_READY = 64      /* descriptors told of by one wait */
};

/* What a packet that is not forwarded here needs from Python. */
enum {
    EVENT_RAW = 0,       /* as it came: STUN, DTLS, RTCP, strangers, unknown streams */
    EVENT_DECRYPTED = 1, /* authentic and in clear, nothing else done: key frames, loss, beginnings */
    EVENT_SHARED = 2,    /* forwarded here, but some sinks are only known to Python */
    EVENT_UNWOUND = 3,   /* the reel is full: record this one without it */
    EVENT_MISSING = 6,   /* forwarded here; `length` packets before it are not there, or some are due */
    EVENT_REFUSED = 4,   /* libsrtp says no; `number` is its reason */
    EVENT_REEL = 5       /* the reel is half full and wants to be taken */
};

enum { IDLE = 0, SENDING = 1, WAITING = 2, BY_HAND = 3 };  /* of a subscription */
enum { OPUS = 0, VP8 = 1, H264 = 2, OTHER = 3 };

/* One UDP socket and its batches. */
struct port {
    int fd, key_length, pending, name_length;
    int64_t sent, dropped, received, oversized;
    void *in_messages, *out_messages;    /* struct mmsghdr[BATCH] */
    char *in_slots, *out_slots, *in_names;
    char *in_controls;                   /* BATCH times CONTROL_LENGTH, NULL when the kernel tells no times */
    double arrived[BATCH];               /* when it came to this machine, 0 when that is not known */
};

/* The latest packets of one stream: a ring of bytes and where each index lies in it. */
struct cache {
    int64_t written;                     /* bytes ever, skipped ends of the ring included */
    int32_t size, places;                /* both powers of two */
    char *ring;
    int64_t index[CACHE_PLACES], start[CACHE_PLACES];
    uint16_t length[CACHE_PLACES];
};

/* When packets of one transport came, until they are told (transport-wide congestion control). */
struct arrivals {
    int32_t count;
    uint8_t element;
    uint16_t number[MOST_ARRIVALS];
    double at[MOST_ARRIVALS];
};

/* When packets left, under their transport-wide number. */
struct sentlog {
    int64_t next;
    uint8_t element;
    double times[SENT_LOG];
    int32_t sizes[SENT_LOG];
};

/* The way out of one transport; port is NULL while that is not UDP or not open. */
struct outlet {
    void *srtp;                          /* outbound context of libsrtp */
    struct port *port;
    char *name;                          /* the peer's socket address */
    struct sentlog *sent;                /* NULL when the peer does not ask for numbers */
};

/* One Subscription. */
struct subscription {
    struct stream *layer;                /* what is being sent */
    struct outlet *outlet;
    uint8_t state, payload_type, whole;
    uint8_t redundant_type;              /* what it wants of RED, 0 for none */
    int32_t calm;                        /* reports in a row without loss */
    int64_t last_redundant;              /* highest index that was asked about */
    uint8_t has_pictures, is_shifted;    /* several layers; picture numbers differ from theirs */
    uint8_t tl0_shift, last_is_long;
    uint16_t picture_shift;
    int32_t last_picture, last_tl0;      /* of the layer's own numbering, -1 for none */
    uint32_t ssrc, timestamp_offset, sent_timestamp;
    int64_t floor, offset, highest;
    double sent_at;
    int64_t packets, octets;
};

/* One incoming SSRC: a Layer. */
struct stream {
    uint32_t ssrc;
    uint8_t payload_type, codec, level_id, orientation_id;
    uint8_t redundant_type;              /* of sound that repeats itself (RED), 0 for none */
    uint8_t is_open;                     /* whether packets in order may be forwarded without Python */
    uint8_t is_shared;                   /* for sinks that only Python knows */
    int32_t number;                      /* by which Python knows it in events */
    int32_t clock_rate;
    int64_t sequence;                    /* highest index, -1 before the first packet */
    double due_at;                       /* when the LossDetector wants to ask for something */
    int64_t loss_highest;                /* highest index that it has seen, -1 before */
    int64_t received, bytes, highest, first;
    double jitter, transit;
    uint8_t has_transit;
    double heard_at;
    double level, level_at;              /* loudness, -dBov */
    uint8_t top_level;                   /* highest TID of VP8 since Python looked last */
    int64_t forwarded;
    struct cache *cache;
    struct reel *reel;                   /* for recorders, NULL when there is none */
    struct subscription **subscriptions;
    int32_t subscription_count;
};

/* One transport that receives. */
struct transport {
    void *srtp;                          /* inbound context of libsrtp; NULL: everything goes to Python */
    int32_t number;                      /* by which Python knows it in events */
    uint32_t deferred;                   /* batch in which Python has a packet of it: later ones follow it */
    double last_seen;
    struct arrivals *arrivals;           /* NULL when the peer does not number its packets */
    int32_t stream_count;
    struct stream *streams[MOST_STREAMS];
};

struct event { uint8_t kind; uint16_t slot, length; int32_t number; int64_t index; };

struct address { struct address *next; struct transport *transport; uint32_t length; char key[NAME_LENGTH]; };

struct worker {
    int (*unprotect)(void *, void *, int *);
    int (*protect)(void *, void *, int *);
    int64_t protect_failed, forwarded;
    int64_t wall_offset;                 /* wall minus monotonic clock, ns */
    uint32_t batch;
    int32_t event_count;
    struct event events[320];         /* at most four for each datagram, and one */
    struct address *addresses[1024];
    int32_t port_count;
    struct port *ports[MOST_PORTS];
    int32_t ready_fd[MOST_READY];
    uint32_t ready_events[MOST_READY];
};

int wait_ready(struct worker *worker, int epoll_fd, double deadline);
int read_batch(struct worker *worker, struct port *port, double now);
void flush_port(struct port *port);
int bind_address(struct worker *worker, const char *key, uint32_t length, struct transport *transport);
void unbind_address(struct worker *worker, const char *key, uint32_t length);
