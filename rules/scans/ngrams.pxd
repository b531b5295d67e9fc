# C types for ngrams.py, for Cython.
cimport cython

cdef unsigned long long _MIX, _WORD

@cython.locals(index=cython.Py_ssize_t, letter=cython.ulonglong, node=cython.ulonglong, key=cython.ulonglong,
               mixed=cython.ulonglong, bit=cython.ulonglong, slot=cython.ulonglong)
cpdef object fill(
    unsigned char[::1] first, unsigned long long[::1] table, unsigned char[::1] sieve, int wide,
    unsigned long long hashed, unsigned long long pairs, int shift, const int[::1] parents,
    const unsigned short[::1] letters, const unsigned char[::1] flags, int[::1] slots)

@cython.locals(mix=cython.ulonglong, going=cython.Py_ssize_t, asked=cython.Py_ssize_t, begin=cython.Py_ssize_t,
               flags=cython.uint, node=cython.ulonglong, following=cython.ulonglong, key=cython.ulonglong,
               mixed=cython.ulonglong, bit=cython.ulonglong, slot=cython.ulonglong, index=cython.Py_ssize_t,
               length=cython.Py_ssize_t, entry=cython.ulonglong, other=cython.ulonglong,
               second=cython.ulonglong)
cdef inline Py_ssize_t walk(
    const unsigned short[::1] letters, Py_ssize_t low, Py_ssize_t high, const unsigned char[::1] first,
    const unsigned long long[::1] table, const unsigned char[::1] sieve, int wide, unsigned long long hashed,
    unsigned long long pairs, int shift, unsigned long long[::1] room, long long[::1] starts, int[::1] slots,
    Py_ssize_t count) noexcept

@cython.locals(most=cython.Py_ssize_t, count=cython.Py_ssize_t, text=cython.Py_ssize_t, end=cython.Py_ssize_t,
               low=cython.Py_ssize_t, high=cython.Py_ssize_t)
cpdef Py_ssize_t find(
    const unsigned short[::1] letters, const long long[::1] bounds, const unsigned char[::1] first,
    const unsigned long long[::1] table, const unsigned char[::1] sieve, int wide, unsigned long long hashed,
    unsigned long long pairs, int shift, unsigned long long[::1] room, long long[::1] starts,
    int[::1] slots) except -1

@cython.locals(own=cython.int, event=cython.Py_ssize_t, text=cython.Py_ssize_t, end=cython.Py_ssize_t,
               low=cython.Py_ssize_t, high=cython.Py_ssize_t, found=cython.Py_ssize_t, slot=cython.Py_ssize_t,
               cell=cython.Py_ssize_t, new=cython.Py_ssize_t, block=cython.Py_ssize_t, row=cython.Py_ssize_t,
               bits=cython.Py_ssize_t, weight=cython.Py_ssize_t, index=cython.Py_ssize_t, many=cython.ulonglong,
               column=cython.int, a=cython.int, b=cython.int, c=cython.int, d=cython.int, e=cython.int, f=cython.int,
               g=cython.int, h=cython.int)
cpdef int add_up(
    const unsigned short[::1] letters, const long long[::1] bounds, const unsigned char[::1] read,
    const long long[::1] events, const unsigned char[::1] first, const unsigned long long[::1] table,
    const unsigned char[::1] sieve, int wide, unsigned long long hashed, unsigned long long pairs, int shift,
    short[::1] cells, Py_ssize_t blocks, const unsigned long long[::1] spread, int mark,
    unsigned long long[::1] room, long long[::1] starts, int[::1] slots, int[::1] sums, int[::1] counts) except -1

@cython.locals(index=cython.Py_ssize_t, slot=cython.Py_ssize_t)
cpdef object weigh(
    const short[::1] cells, int wide, Py_ssize_t blocks, const int[::1] slots, int column, int[::1] weights)
