/* What the film does with every sample: compare, scale, change colours; block by block, only where something
   changed. recordings/film/blocks.py calls it. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "pixels.h"

/* Compiled for what the machine has: AVX2 is chosen when the library is loaded. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

enum { STRIPE = 512, ONE = 1 << 14 };

static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

static uint8_t clipped(int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value; }

/* The largest difference in each column of some lines, added to what `worst` has. */
WIDE static void compare(uint8_t *restrict worst, const uint8_t *restrict one, const uint8_t *restrict other,
                         int32_t count) {
    for (int32_t x = 0; x < count; x++) {
        uint8_t high = one[x] > other[x] ? one[x] : other[x];
        uint8_t low = one[x] > other[x] ? other[x] : one[x];
        uint8_t apart = high - low;
        worst[x] = worst[x] > apart ? worst[x] : apart;
    }
}

/* Mark the blocks of one row, from column `left` of luma, that differ; STRIPE columns at most. Where something
   may tremble, one line in four is looked at (of chroma, two): codecs work in blocks of four lines. */
static void mark(const struct samples *held, const struct samples *next, int32_t row, int32_t left,
                 int32_t tremble, uint8_t *marks) {
    for (int32_t plane = 0; plane < 3; plane++) {
        int32_t half = plane > 0, side = BLOCK >> half, step = tremble <= 0 ? 1 : half ? 2 : 4;
        int32_t width = (held->width + half) >> half, height = (held->height + half) >> half;
        int32_t from = left >> half, count = smaller(STRIPE >> half, width - from);
        uint8_t worst[STRIPE] = {0};
        for (int32_t y = row * side; y < smaller(height, (row + 1) * side); y += step)
            compare(worst, held->planes[plane] + (int64_t)y * held->lines[plane] + from,
                    next->planes[plane] + (int64_t)y * next->lines[plane] + from, count);
        for (int32_t block = 0; block * side < count; block++)
            for (int32_t x = 0; x < side; x++) marks[block] |= worst[block * side + x] > tremble;
    }
}

static void copy_block(const struct samples *held, const struct samples *next, int32_t row, int32_t column) {
    for (int32_t plane = 0; plane < 3; plane++) {
        int32_t half = plane > 0, side = BLOCK >> half;
        int32_t width = (held->width + half) >> half, height = (held->height + half) >> half;
        int32_t left = column * side, count = smaller(side, width - left);
        for (int32_t y = row * side; y < smaller(height, (row + 1) * side); y++)
            memcpy(held->planes[plane] + (int64_t)y * held->lines[plane] + left,
                   next->planes[plane] + (int64_t)y * next->lines[plane] + left, count);
    }
}

int32_t hold_changes(const struct samples *held, const struct samples *next, int32_t tremble,
                     uint8_t *blocks) {
    int32_t columns = (held->width + BLOCK - 1) / BLOCK, rows = (held->height + BLOCK - 1) / BLOCK;
    int32_t changed = 0;
    memset(blocks, 0, (size_t)columns * rows);
    for (int32_t row = 0; row < rows; row++) {
        uint8_t *marks = blocks + (int64_t)row * columns;
        if (tremble < 0) memset(marks, 1, columns);
        for (int32_t left = 0; left < held->width && tremble >= 0; left += STRIPE)
            mark(held, next, row, left, tremble, marks + left / BLOCK);
        for (int32_t column = 0; column < columns; column++) {
            if (!marks[column]) continue;
            copy_block(held, next, row, column);
            changed++;
        }
    }
    return changed;
}

WIDE static void weigh(int32_t *restrict sums, const uint8_t *restrict line, int32_t weight, int32_t count) {
    for (int32_t x = 0; x < count; x++) sums[x] += weight * line[x];
}

WIDE static void narrow(int16_t *restrict out, const int32_t *restrict sums, int32_t count) {
    for (int32_t x = 0; x < count; x++) out[x] = (int16_t)((sums[x] + 128) >> 8);
}

/* Samples `first` to `last` of a line out of one that counts 64ths. Taps come in eights, see blocks.py. */
static void cross(uint8_t *out, const int16_t *line, const struct axis *across, int32_t first, int32_t last) {
    for (int32_t x = first; x < last; x++) {
        const int16_t *weights = across->weights + (int64_t)x * across->taps;
        const int16_t *samples = line + across->starts[x];
        int32_t sum = 1 << 19;
#ifdef __SSE2__
        __m128i sums = _mm_setzero_si128();
        for (int32_t tap = 0; tap < across->taps; tap += 8)
            sums = _mm_add_epi32(sums, _mm_madd_epi16(_mm_loadu_si128((const __m128i *)(samples + tap)),
                                                      _mm_loadu_si128((const __m128i *)(weights + tap))));
        sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
        sum += _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0xb1)));
#else
        for (int32_t tap = 0; tap < across->taps; tap++) sum += samples[tap] * weights[tap];
#endif
        out[x] = clipped(sum >> 20);
    }
}

/* Samples `first` to `last` of line `y`: first down, at 64 times their value, then across. */
WIDE static void scale_line(const struct samples *held, const struct samples *scaled, int32_t plane,
                            const struct axis *across, const struct axis *down, int32_t y, int32_t first,
                            int32_t last, int16_t *scratch) {
    int32_t from = across->starts[first], until = across->starts[last - 1] + across->reach;
    for (int32_t left = from; left < until; left += STRIPE) {
        int32_t sums[STRIPE] = {0}, count = smaller(STRIPE, until - left);
        for (int32_t tap = 0; tap < down->reach; tap++) {
            int32_t weight = down->weights[(int64_t)y * down->taps + tap];
            const uint8_t *line =
                held->planes[plane] + (int64_t)(down->starts[y] + tap) * held->lines[plane];
            if (weight) weigh(sums, line + left, weight, count);
        }
        narrow(scratch + left, sums, count);
    }
    cross(scaled->planes[plane] + (int64_t)y * scaled->lines[plane], scratch, across, first, last);
}

/* A line of chroma and the two of luma above it, in place. */
WIDE static void colour_lines(uint8_t *restrict upper, uint8_t *restrict lower, uint8_t *restrict u,
                              uint8_t *restrict v, const struct scaling *how, int32_t count) {
    const int32_t *m = how->colours, half = ONE / 2;
    for (int32_t x = 0; x < count; x++) {
        int32_t blue = u[x] - 128, red = v[x] - 128;
        int32_t shift = m[1] * blue + m[2] * red + how->offsets[0] + half;
        for (int32_t n = 2 * x; n < 2 * x + 2; n++) {
            upper[n] = clipped((m[0] * upper[n] + shift) >> 14);
            lower[n] = clipped((m[0] * lower[n] + shift) >> 14);
        }
        u[x] = clipped((m[4] * blue + m[5] * red + how->offsets[1] + half) >> 14);
        v[x] = clipped((m[7] * blue + m[8] * red + how->offsets[2] + half) >> 14);
    }
}

/* Is any block marked that samples `first` to `last` of both axes are made of? */
static int depends(const struct scaling *how, int32_t half, const uint8_t *blocks, int32_t columns,
                   int32_t rows, int32_t x, int32_t right, int32_t y, int32_t bottom) {
    const struct axis *across = &how->across[half], *down = &how->down[half];
    int32_t side = BLOCK >> half;
    int32_t last_column = smaller(columns - 1, (across->starts[right - 1] + across->reach - 1) / side);
    int32_t last_row = smaller(rows - 1, (down->starts[bottom - 1] + down->reach - 1) / side);
    for (int32_t row = down->starts[y] / side; row <= last_row; row++)
        for (int32_t column = across->starts[x] / side; column <= last_column; column++)
            if (blocks[(int64_t)row * columns + column]) return 1;
    return 0;
}

static void draw(const struct samples *held, const struct samples *scaled, const struct scaling *how,
                 int32_t x, int32_t right, int32_t y, int32_t bottom) {
    for (int32_t plane = 0; plane < 3; plane++) {
        int32_t half = plane > 0;
        for (int32_t line = y >> half; line < bottom >> half; line++)
            scale_line(held, scaled, plane, &how->across[half], &how->down[half], line, x >> half,
                       right >> half, how->scratch);
    }
    for (int32_t line = y; line < bottom; line += 2) {
        uint8_t *upper = scaled->planes[0] + (int64_t)line * scaled->lines[0] + x;
        colour_lines(upper, upper + scaled->lines[0],
                     scaled->planes[1] + (int64_t)(line / 2) * scaled->lines[1] + x / 2,
                     scaled->planes[2] + (int64_t)(line / 2) * scaled->lines[2] + x / 2, how, (right - x) / 2);
    }
}

int32_t scale_changes(const struct samples *held, const struct samples *scaled, const struct scaling *how,
                      const uint8_t *blocks) {
    int32_t columns = (held->width + BLOCK - 1) / BLOCK, rows = (held->height + BLOCK - 1) / BLOCK;
    int32_t drawn = 0;
    for (int32_t y = 0; y < scaled->height; y += BLOCK) {
        int32_t bottom = smaller(scaled->height, y + BLOCK), begun = -1;
        for (int32_t x = 0; x < scaled->width + BLOCK; x += BLOCK) {
            int32_t right = smaller(scaled->width, x + BLOCK);
            int is_due = x < scaled->width &&
                         (depends(how, 0, blocks, columns, rows, x, right, y, bottom) ||
                          depends(how, 1, blocks, columns, rows, x / 2, right / 2, y / 2, bottom / 2));
            drawn += is_due;
            if (is_due && begun < 0) begun = x;
            if (!is_due && begun >= 0) {
                draw(held, scaled, how, begun, smaller(scaled->width, x), y, bottom);
                begun = -1;
            }
        }
    }
    return drawn;
}
