# C types for signs.py, for Cython.
cimport cython

cdef unsigned long long _ONE, _OTHER, _POINT, _KEY

cdef inline unsigned int slot_of(unsigned long long left, unsigned long long right) noexcept

@cython.locals(room=cython.Py_ssize_t, count=cython.Py_ssize_t, text=cython.Py_ssize_t, one=cython.Py_ssize_t,
               two=cython.Py_ssize_t, strongly=cython.bint, at=cython.Py_ssize_t, slot=cython.uint,
               found=cython.uchar, strong=cython.bint, key=cython.uint, low=cython.Py_ssize_t,
               high=cython.Py_ssize_t, middle=cython.Py_ssize_t)
cpdef Py_ssize_t pairs(
    const unsigned int[::1] codes, const long long[::1] bounds, const unsigned char[::1] sieve,
    const unsigned char[::1] flags, const unsigned int[::1] listed, const unsigned char[::1] listed_flags,
    long long[::1] places, unsigned char[::1] signs)

@cython.locals(room=cython.Py_ssize_t, count=cython.Py_ssize_t, mark=cython.Py_ssize_t, text=cython.Py_ssize_t,
               at=cython.Py_ssize_t, end=cython.Py_ssize_t, one=cython.Py_ssize_t, two=cython.Py_ssize_t, after_newline=cython.bint,
               digits=cython.Py_ssize_t, start=cython.Py_ssize_t, newline=cython.bint, both=cython.uchar,
               slot=cython.uint)
cpdef Py_ssize_t gaps(
    const unsigned int[::1] codes, const unsigned char[::1] kinds, const long long[::1] marks,
    const long long[::1] bounds, const unsigned char[::1] inner, long long[::1] between, long long[::1] places,
    long long[::1] others, unsigned char[::1] signs)

@cython.locals(room=cython.Py_ssize_t, count=cython.Py_ssize_t, mark=cython.Py_ssize_t, last=cython.Py_ssize_t,
               run=cython.Py_ssize_t, chinese=cython.bint, before=cython.Py_ssize_t, at=cython.Py_ssize_t,
               kind=cython.uchar, counts=cython.bint)
cpdef Py_ssize_t dictated(
    const unsigned char[::1] kinds, const long long[::1] marks, const long long[::1] bounds, long long[::1] places)

@cython.locals(room=cython.Py_ssize_t, count=cython.Py_ssize_t, lost=cython.Py_ssize_t, mark=cython.Py_ssize_t, text=cython.Py_ssize_t,
               last=cython.Py_ssize_t, last_written=cython.Py_ssize_t, length=cython.Py_ssize_t,
               length_written=cython.Py_ssize_t, before=cython.Py_ssize_t, alike=cython.bint, counted=cython.bint,
               at=cython.Py_ssize_t, code=cython.uint, written=cython.Py_ssize_t, new=cython.Py_ssize_t,
               new_written=cython.Py_ssize_t, same=cython.bint)
cpdef Py_ssize_t lines(
    const unsigned int[::1] codes, const long long[::1] marks, const long long[::1] bounds,
    const long long[::1] origin, const long long[::1] gone, Py_ssize_t longest, long long[::1] places)

@cython.locals(size=cython.Py_ssize_t, room=cython.Py_ssize_t, count=cython.Py_ssize_t, mark=cython.Py_ssize_t,
               at=cython.Py_ssize_t, start=cython.Py_ssize_t, length=cython.Py_ssize_t, key=cython.ulonglong,
               place=cython.Py_ssize_t, known=cython.bint, chain=cython.bint, before=cython.Py_ssize_t, after=cython.Py_ssize_t,
               form=cython.bint)
cpdef Py_ssize_t letters(
    const unsigned int[::1] codes, const unsigned char[::1] kinds, const long long[::1] marks,
    const unsigned char[::1] beginnings, const unsigned long long[::1] runs, const unsigned long long[::1] whole,
    const unsigned long long[::1] beside, const unsigned char[::1] chains, long long[::1] places)

@cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t, middle=cython.Py_ssize_t)
cdef inline bint is_in(const unsigned long long[::1] values, unsigned long long wanted) except? -1
