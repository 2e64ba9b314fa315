/* The least that forwarding must cost: copy each packet, AES-128-GCM over it with the viewer's own key, one sendmmsg.
   Declares the few OpenSSL functions it calls, so that no headers are needed. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
const EVP_CIPHER *EVP_aes_128_gcm(void);
EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void);
void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *);
int EVP_EncryptInit_ex(EVP_CIPHER_CTX *, const EVP_CIPHER *, void *, const unsigned char *, const unsigned char *);
int EVP_EncryptUpdate(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int);
int EVP_EncryptFinal_ex(EVP_CIPHER_CTX *, unsigned char *, int *);
int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *, int, int, void *);

enum { WIDTH = 1536, HEADER = 24, TAG = 16, BATCH = 1024, GET_TAG = 0x10 };

struct floor {
    int fd, viewers;
    EVP_CIPHER_CTX **contexts;
    struct sockaddr_in6 *addresses;
    unsigned char *slab;
    struct iovec *iovecs;
    struct mmsghdr *messages;
    uint64_t counter;
};

struct floor *floor_new(int fd, int viewers, const struct sockaddr_in6 *addresses) {
    struct floor *f = calloc(1, sizeof *f);
    f->fd = fd;
    f->viewers = viewers;
    f->contexts = calloc(viewers, sizeof *f->contexts);
    f->addresses = malloc(viewers * sizeof *addresses);
    memcpy(f->addresses, addresses, viewers * sizeof *addresses);
    f->slab = aligned_alloc(64, (size_t)BATCH * WIDTH);
    f->iovecs = calloc(BATCH, sizeof *f->iovecs);
    f->messages = calloc(BATCH, sizeof *f->messages);
    for (int i = 0; i < viewers; i++) {
        unsigned char key[16], iv[12] = {0};
        for (int b = 0; b < 16; b++) key[b] = (unsigned char)(i * 7 + b);
        f->contexts[i] = EVP_CIPHER_CTX_new();
        EVP_EncryptInit_ex(f->contexts[i], EVP_aes_128_gcm(), 0, key, iv);
    }
    for (int i = 0; i < BATCH; i++) {
        f->iovecs[i].iov_base = f->slab + (size_t)i * WIDTH;
        f->messages[i].msg_hdr.msg_iov = &f->iovecs[i];
        f->messages[i].msg_hdr.msg_iovlen = 1;
        f->messages[i].msg_hdr.msg_namelen = sizeof *addresses;
    }
    return f;
}

void floor_free(struct floor *f) {
    for (int i = 0; i < f->viewers; i++) EVP_CIPHER_CTX_free(f->contexts[i]);
    free(f->contexts); free(f->addresses); free(f->slab); free(f->iovecs); free(f->messages); free(f);
}

static void flush(struct floor *f, int count) {
    int done = 0;
    while (done < count) {
        int sent = sendmmsg(f->fd, f->messages + done, count - done, MSG_DONTWAIT);
        if (sent <= 0) break;
        done += sent;
    }
}

/* Send `packets` packets of `size` bytes (header included) to every viewer; returns CPU nanoseconds of this thread. */
int64_t floor_send(struct floor *f, const unsigned char *packet, int packets, int size) {
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    int used = 0, written;
    for (int i = 0; i < f->viewers; i++) {
        for (int k = 0; k < packets; k++) {
            unsigned char *target = f->slab + (size_t)used * WIDTH;
            unsigned char iv[12] = {0};
            memcpy(target, packet, size);
            f->counter++;
            memcpy(iv, &f->counter, sizeof f->counter);
            EVP_EncryptInit_ex(f->contexts[i], 0, 0, 0, iv);
            EVP_EncryptUpdate(f->contexts[i], 0, &written, target, HEADER);
            EVP_EncryptUpdate(f->contexts[i], target + HEADER, &written, target + HEADER, size - HEADER);
            EVP_EncryptFinal_ex(f->contexts[i], target + size, &written);
            EVP_CIPHER_CTX_ctrl(f->contexts[i], GET_TAG, TAG, target + size);
            f->iovecs[used].iov_len = size + TAG;
            f->messages[used].msg_hdr.msg_name = &f->addresses[i];
            if (++used == BATCH) { flush(f, used); used = 0; }
        }
    }
    flush(f, used);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec);
}
