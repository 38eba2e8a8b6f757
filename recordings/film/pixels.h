enum { BLOCK = 16 }; /* lines and columns of luma that are compared, and drawn, as one */

/* A picture in 8 bit 4:2:0; chroma has half of both sizes, rounded up. */
struct samples {
    uint8_t *planes[3];  /* Y, U, V */
    int32_t lines[3];    /* bytes from one line to the next */
    int32_t width, height;
};

/* How one axis is scaled: sample n is the sum of `reach` samples from starts[n] on, each times its weight. */
struct axis {
    int32_t count, reach;
    int32_t taps;           /* weights kept for each sample, in eights; those beyond `reach` are 0 */
    const int32_t *starts;
    const int16_t *weights; /* count * taps, which sum up to 16384 for each n */
};

struct scaling {
    struct axis across[2], down[2]; /* of luma and of chroma */
    int32_t colours[9];             /* matrix from Y, U, V to Y, U, V in 16384ths */
    int32_t offsets[3];             /* added to what comes of it, in 16384ths; chroma counts from 128 */
    int16_t *scratch;               /* as long as a line of the source and its taps */
};

/* Copy every block of `next` that differs from `held` by more than `tremble` in any sample; `blocks` says
   which. Returns how many. Both have the same size. */
int32_t hold_changes(const struct samples *held, const struct samples *next, int32_t tremble, uint8_t *blocks);

/* Scale what of `scaled` depends on a marked block of `held`, and put it into the film's colours. Returns how
   many blocks were drawn. */
int32_t scale_changes(const struct samples *held, const struct samples *scaled, const struct scaling *how,
                      const uint8_t *blocks);
