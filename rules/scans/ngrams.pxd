# C types for ngrams.py, for Cython.
cimport cython

cdef unsigned int _NODE, _MORE, _HELD
cdef int _LETTER_BITS, _KEY_SHIFT
cdef unsigned long long _MIX, _WORD
cdef long long _ONE

@cython.locals(index=cython.Py_ssize_t, held=cython.ulonglong, parent=cython.ulonglong, letter=cython.ulonglong,
               key=cython.ulonglong, mixed=cython.ulonglong, bit=cython.ulonglong, slot=cython.Py_ssize_t)
cpdef object fill(
    unsigned int[::1] first, unsigned long long[::1] table, unsigned char[::1] sieve, int shift,
    const int[::1] parents, const unsigned short[::1] letters, const int[::1] nodes, const unsigned char[::1] more)

@cython.locals(key=cython.ulonglong, mixed=cython.ulonglong, bit=cython.ulonglong, slot=cython.Py_ssize_t,
               entry=cython.ulonglong)
cdef inline unsigned int child(
    const unsigned long long[::1] table, const unsigned char[::1] sieve, int shift, unsigned long long node,
    unsigned long long letter) except? 0xFFFFFFFF

@cython.locals(size=cython.Py_ssize_t, room=cython.Py_ssize_t, count=cython.Py_ssize_t, begin=cython.Py_ssize_t,
               at=cython.Py_ssize_t, held=cython.uint, node=cython.uint)
cpdef Py_ssize_t find(
    const unsigned short[::1] letters, const unsigned int[::1] first, const unsigned long long[::1] table,
    const unsigned char[::1] sieve, int shift, unsigned int inner, long long[::1] starts, int[::1] nodes)

@cython.locals(text=cython.Py_ssize_t, row=cython.Py_ssize_t, own=cython.int, end=cython.Py_ssize_t,
               begin=cython.Py_ssize_t, at=cython.Py_ssize_t, held=cython.uint, node=cython.uint,
               entry=cython.Py_ssize_t, last=cython.Py_ssize_t, cell=cython.Py_ssize_t)
cpdef object add_up(
    const unsigned short[::1] letters, const long long[::1] bounds, const long long[::1] events,
    const unsigned char[::1] read, const unsigned int[::1] first, const unsigned long long[::1] table,
    const unsigned char[::1] sieve, int shift, unsigned int inner, int[::1] records, int mark, Py_ssize_t width,
    long long[::1] sums)

@cython.locals(index=cython.Py_ssize_t, entry=cython.Py_ssize_t, last=cython.Py_ssize_t)
cpdef object weigh(const int[::1] records, const int[::1] nodes, int column, int[::1] weights)
