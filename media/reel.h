/* What a recorder gets of one stream: a run of packets, each framed as the journal keeps it. Read by cffi as
   well: declarations only. */

/* Records of one struct stream that nobody has taken yet. */
struct reel {
    int32_t size, end, count;            /* bytes there are, bytes used, whole records in them */
    uint32_t full;                       /* the batch in which it had no room; nothing more in that batch */
    double last_at;                      /* when the last of them came, monotonic seconds */
    char *bytes;
};

int wind(struct reel *reel, const char *data, int length, double now, int64_t wall_offset);
uint32_t crc32c(uint32_t crc, const char *data, int64_t length);
uint32_t crc32c_by_table(uint32_t crc, const char *data, int64_t length);
