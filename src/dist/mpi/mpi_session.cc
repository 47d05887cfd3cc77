#include "dist/mpi/mpi_session.h"
