// Calls a new_handler and stops what it throws: nothrow new returns null then.
//
// The only C++ in the library.  What catching needs is weak, so that the library does not depend on
// a C++ run time; a program whose handler throws has one.
#include <new>

__asm__(".weak __gxx_personality_v0\n\t.weak __cxa_begin_catch\n\t.weak __cxa_end_catch\n\t"
        ".weak _Unwind_Resume");

// Returns false when the handler threw.
extern "C" bool hak_call_new_handler(std::new_handler handler)
{
    try {
        handler();
        return true;
    } catch (...) {
        return false;
    }
}
