# C types for uses.py, for Cython.
cimport cython

@cython.locals(count=cython.Py_ssize_t, at=cython.Py_ssize_t, field=cython.longlong, use=cython.Py_ssize_t)
cpdef Py_ssize_t counted(
    const long long[::1] words, const long long[::1] texts, const long long[::1] fields,
    const long long[::1] pointer, const long long[::1] masks, const unsigned char[::1] conditional,
    long long[::1] out_matches, long long[::1] out_uses, unsigned char[::1] asked) except -1

@cython.locals(count=cython.Py_ssize_t, at=cython.Py_ssize_t, event=cython.longlong, use=cython.Py_ssize_t,
               word=cython.Py_ssize_t, column=cython.Py_ssize_t, weight=cython.double)
cpdef Py_ssize_t tally(
    const long long[::1] events, const long long[::1] uses, const long long[::1] word_of,
    const long long[::1] column_of, const double[::1] weight_of, long long[::1] last, double[::1] heaviest,
    long long[::1] touched, long long[::1] place, long long[::1] out_events, long long[::1] out_columns,
    double[::1] out_values) except -1
