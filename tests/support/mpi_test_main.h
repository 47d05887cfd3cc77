// The main of test executables that run under mpirun: all ranks run the same tests in the same order. Link
// support/mpi_test_main.cc and declare the test with MPI_MAIN.
#pragma once

#include "dist/mpi/mpi_session.h"

namespace ppr::test {

// The session that main made; alive while tests run.
dist::MpiSession& TestSession();

}  // namespace ppr::test
