/* compare_npy EXPECTED.npy GOT.npy TOLERANCE: the largest difference of two files of float32 by the largest number of the first; exit status 1 when
 * that is above the tolerance, or when the files differ in size or hold what is no number. NPY format 1.0: 10 bytes, the last two the length of the
 * header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static float* read_npy(const char* name, long* count) {
    FILE* file = fopen(name, "rb");
    unsigned char head[10];
    if (!file || fread(head, 1, 10, file) != 10) {
        fprintf(stderr, "compare_npy: %s cannot be read\n", name);
        exit(2);
    }
    long first = 10 + head[8] + 256 * head[9];
    fseek(file, 0, SEEK_END);
    *count = (ftell(file) - first) / 4;
    float* numbers = malloc((size_t)*count * 4 + 1);
    fseek(file, first, SEEK_SET);
    if (!numbers || fread(numbers, 4, (size_t)*count, file) != (size_t)*count) exit(2);
    fclose(file);
    return numbers;
}

int main(int argc, char** argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: compare_npy EXPECTED.npy GOT.npy TOLERANCE\n");
        return 2;
    }
    long n, m;
    float *expected = read_npy(argv[1], &n), *got = read_npy(argv[2], &m);
    double largest = 0, difference = 0;
    int good = n == m;
    for (long i = 0; i < n && i < m; i++) {
        double d = fabs((double)expected[i] - got[i]);
        good &= isfinite(d) != 0;
        if (d > difference) difference = d;
        if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
    }
    good &= largest > 0 && difference <= atof(argv[3]) * largest;
    printf("%s  off by %.2g of %.3g\n", good ? "passed" : "FAILED", largest > 0 ? difference / largest : difference, largest);
    return !good;
}
