# ppr_target_defaults(TARGET): warnings, definitions and sanitizers that every target of ours gets.
function(ppr_target_defaults target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow -Wno-sign-conversion
    -Wno-missing-field-initializers)  # designated initialisers leave members at their defaults on purpose
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-restrict)  # GCC 12 warns inside its own std::string (GCC bug 105329)
  endif()
  if(PPR_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  # Else Open MPI's removed C++ bindings are pulled in and fail to link.
  target_compile_definitions(${target} PRIVATE OMPI_SKIP_MPICXX=1)
  if(PPR_SANITIZE STREQUAL address)
    set(sanitizers address,undefined)
  else()
    set(sanitizers ${PPR_SANITIZE})
  endif()
  if(sanitizers)
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizers} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
  endif()
endfunction()
