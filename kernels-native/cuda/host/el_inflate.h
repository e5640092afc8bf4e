#ifndef EL_INFLATE_H
#define EL_INFLATE_H
#include <stddef.h>

/* Decompresses a deflate stream (RFC 1951) into at most `limit` bytes; returns their number, or 0 where the stream is not valid. */
size_t el_inflate(const unsigned char* x, size_t bytes, unsigned char* y, size_t limit);

#endif
