// The same program as C++, with the operators added.
#include <string>
#include <vector>
#include "consumer.c"
