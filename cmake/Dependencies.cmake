# Finds every third-party library. Debian supplies all but libtorch and Arrow, which scripts/bootstrap takes from the
# PyPI packages torch and pyarrow into PPR_DEPS_DIR; a user's own copies are found through CMAKE_PREFIX_PATH first.
set(PPR_DEPS_DIR "$ENV{PPR_DEPS_DIR}" CACHE PATH "Folder that scripts/bootstrap filled")
if(NOT PPR_DEPS_DIR)
  set(PPR_DEPS_DIR "${CMAKE_CURRENT_SOURCE_DIR}/.deps" CACHE PATH "Folder that scripts/bootstrap filled" FORCE)
endif()

find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(gflags REQUIRED)
find_package(glog REQUIRED)
find_package(nlohmann_json REQUIRED)
set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 1.10 REQUIRED COMPONENTS C)

find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(xxhash::xxhash UNKNOWN IMPORTED)
set_target_properties(xxhash::xxhash PROPERTIES IMPORTED_LOCATION "${XXHASH_LIBRARY}"
                      INTERFACE_INCLUDE_DIRECTORIES "${XXHASH_INCLUDE_DIR}")

# libtorch: our own imported target, since torch's CMake package insists on a full CUDA toolkit when it was built with
# CUDA, and sets global flags.
find_path(PPR_TORCH_INCLUDE_DIR torch/csrc/autograd/custom_function.h
          PATHS "${PPR_DEPS_DIR}/python/torch" PATH_SUFFIXES include torch/include REQUIRED)
find_library(PPR_TORCH_CPU_LIBRARY torch_cpu PATHS "${PPR_DEPS_DIR}/python/torch" PATH_SUFFIXES lib torch/lib REQUIRED)
find_library(PPR_C10_LIBRARY c10 PATHS "${PPR_DEPS_DIR}/python/torch" PATH_SUFFIXES lib torch/lib REQUIRED)
add_library(ppr_torch_cpu UNKNOWN IMPORTED)
set_target_properties(ppr_torch_cpu PROPERTIES IMPORTED_LOCATION "${PPR_TORCH_CPU_LIBRARY}")
add_library(ppr_torch INTERFACE)
target_include_directories(ppr_torch SYSTEM INTERFACE
  "${PPR_TORCH_INCLUDE_DIR}" "${PPR_TORCH_INCLUDE_DIR}/torch/csrc/api/include")
# at::parallel_for is serial in code that is compiled without OpenMP. We link the libgomp that libtorch brings, where it
# brings one: two OpenMP runtimes in a process would each start a pool.
find_package(OpenMP REQUIRED COMPONENTS CXX)
get_filename_component(PPR_TORCH_LIBRARY_DIR "${PPR_TORCH_CPU_LIBRARY}" DIRECTORY)
file(GLOB PPR_TORCH_GOMP "${PPR_TORCH_LIBRARY_DIR}/libgomp*.so*")
if(NOT PPR_TORCH_GOMP)
  set(PPR_TORCH_GOMP ${OpenMP_CXX_LIBRARIES})
endif()
target_compile_options(ppr_torch INTERFACE ${OpenMP_CXX_FLAGS})
target_link_libraries(ppr_torch INTERFACE ppr_torch_cpu "${PPR_C10_LIBRARY}" ${PPR_TORCH_GOMP} Threads::Threads)

# The libtorch of an old manylinux wheel uses the pre-2011 string ABI: linking against it fails far away and unclearly.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES "${PPR_TORCH_INCLUDE_DIR}")
set(CMAKE_REQUIRED_LIBRARIES "${PPR_TORCH_CPU_LIBRARY}" "${PPR_C10_LIBRARY}")
check_cxx_source_compiles("
  #include <c10/util/Exception.h>
  int main() { try { TORCH_CHECK(false, std::string(\"x\")); } catch (const c10::Error& e) { return e.msg().size() != 1; } }
" PPR_TORCH_ABI_OK)
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT PPR_TORCH_ABI_OK)
  message(FATAL_ERROR "libtorch at ${PPR_TORCH_CPU_LIBRARY} does not link with this compiler: it was probably built with "
          "the old C++ string ABI. Use libtorch 2.11 or newer; see CMakeError.log in the build folder.")
endif()

# Arrow and Parquet: the PyPI wheel ships versioned files only (libarrow.so.NNNN).
file(GLOB PPR_ARROW_CANDIDATES "${PPR_DEPS_DIR}/python/pyarrow/libarrow.so.*")
file(GLOB PPR_PARQUET_CANDIDATES "${PPR_DEPS_DIR}/python/pyarrow/libparquet.so.*")
find_path(PPR_ARROW_INCLUDE_DIR arrow/api.h PATHS "${PPR_DEPS_DIR}/python/pyarrow" PATH_SUFFIXES include REQUIRED)
find_library(PPR_ARROW_LIBRARY arrow)
find_library(PPR_PARQUET_LIBRARY parquet)
if(NOT PPR_ARROW_LIBRARY OR NOT PPR_PARQUET_LIBRARY)
  if(NOT PPR_ARROW_CANDIDATES OR NOT PPR_PARQUET_CANDIDATES)
    message(FATAL_ERROR "Arrow C++ (arrow, parquet) not found: run scripts/bootstrap, or name yours in CMAKE_PREFIX_PATH.")
  endif()
  list(GET PPR_ARROW_CANDIDATES 0 PPR_ARROW_FILE)
  list(GET PPR_PARQUET_CANDIDATES 0 PPR_PARQUET_FILE)
  set(PPR_ARROW_LIBRARY "${PPR_ARROW_FILE}" CACHE FILEPATH "Arrow library" FORCE)
  set(PPR_PARQUET_LIBRARY "${PPR_PARQUET_FILE}" CACHE FILEPATH "Parquet library" FORCE)
endif()
add_library(ppr_arrow INTERFACE)
target_include_directories(ppr_arrow SYSTEM INTERFACE "${PPR_ARROW_INCLUDE_DIR}")
target_link_libraries(ppr_arrow INTERFACE "${PPR_PARQUET_LIBRARY}" "${PPR_ARROW_LIBRARY}")

if(PPR_TESTS)
  find_package(GTest REQUIRED)
endif()
