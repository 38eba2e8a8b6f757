/* Frames packets for the journal while they are still in the processor's cache, so that nobody has to look at
 * them again before they lie on the disk. The frame is that of recordings/capture/segment.py, described in
 * docs/recording-format.md; tests/recordings/test_reel.py compares both byte for byte.
 */
#include <stdint.h>
#include <string.h>

#include "reel.h"

enum { HEAD = 28, TAIL = 4 };
#define POLYNOMIAL 0x82F63B78u /* Castagnoli, reflected (RFC 3720 appendix B.4) */

static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][byte] = crc;
    }
    for (int row = 1; row < 8; row++)
        for (int byte = 0; byte < 256; byte++)
            table[row][byte] = table[row - 1][byte] >> 8 ^ table[0][table[row - 1][byte] & 0xFF];
}

/* Eight bytes at a time, for processors that have no instruction for it. */
uint32_t crc32c_by_table(uint32_t crc, const char *data, int64_t length)
{
    const uint8_t *p = (const uint8_t *)data;
    crc = ~crc;
    for (; length >= 8; length -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^ table[4][low >> 24]
            ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; length; length--) crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_by_instruction(uint32_t crc, const char *data, int64_t length)
{
    uint64_t wide = ~crc, word;
    for (; length >= 8; length -= 8, data += 8) {
        memcpy(&word, data, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; length; length--) narrow = __builtin_ia32_crc32qi(narrow, (unsigned char)*data++);
    return ~narrow;
}
#endif

uint32_t crc32c(uint32_t crc, const char *data, int64_t length)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32c_by_instruction(crc, data, length);
#endif
    return crc32c_by_table(crc, data, length);
}

static void big_endian(char *p, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) p[i] = (char)value;
}

/* Append one packet that came at `now`; `wall_offset` is wall minus monotonic clock in ns. Returns 0, or -1
   when it does not fit. */
int wind(struct reel *reel, const char *data, int length, double now, int64_t wall_offset)
{
    int need = HEAD + length + TAIL;
    if (need > reel->size - reel->end) return -1;
    char *record = reel->bytes + reel->end;
    int64_t monotonic = (int64_t)(now * 1e9);
    memcpy(record, "\xa5LXR\x01\0\0\0", 8);
    big_endian(record + 8, (uint64_t)length, 4);
    big_endian(record + 12, (uint64_t)monotonic, 8);
    big_endian(record + 20, (uint64_t)(monotonic + wall_offset), 8);
    memcpy(record + HEAD, data, (size_t)length);
    big_endian(record + HEAD + length, crc32c(0, record, HEAD + length), TAIL);
    reel->end += need;
    reel->count++;
    reel->last_at = now;
    return 0;
}
