#include "dist/local/local_communicator.h"
