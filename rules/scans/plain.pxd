# C types for plain.py, for Cython.
cimport cython


@cython.locals(size=cython.Py_ssize_t, room=cython.Py_ssize_t, text=cython.Py_ssize_t, out=cython.Py_ssize_t,
               lost=cython.Py_ssize_t, marked=cython.Py_ssize_t, at=cython.Py_ssize_t, end=cython.Py_ssize_t,
               inside=cython.bint, code=cython.uint, kind=cython.uchar, low=cython.Py_ssize_t,
               high=cython.Py_ssize_t, middle=cython.Py_ssize_t, place=cython.Py_ssize_t)
cpdef Py_ssize_t fold(
    const unsigned int[::1] joined, const long long[::1] starts, const unsigned int[::1] fold_to,
    const unsigned char[::1] kind_of, const unsigned int[::1] wide, const long long[::1] wide_at,
    const unsigned int[::1] wide_codes, unsigned int[::1] codes, unsigned char[::1] kinds, long long[::1] origin,
    long long[::1] marks, long long[::1] bounds, long long[::1] gone, unsigned char[::1] shown)
