# C types for hosts.py, for Cython.
cimport cython

cdef unsigned char _LATIN, _DIGIT, _GAP, _FIRST, _D, _COLON, _DOT, _NAME

@cython.locals(room=cython.Py_ssize_t, count=cython.Py_ssize_t, earlier=cython.uchar, before=cython.uchar,
               kind=cython.uchar, at=cython.Py_ssize_t, following=cython.uchar, spaced=cython.bint,
               found=cython.bint)
cpdef Py_ssize_t dots(const unsigned int[::1] codes, const unsigned char[::1] kind_of, long long[::1] places)
