# el_link_old_glibc(TARGET): a shared library that works with glibc 2.27 and newer (old-symbols.sh says how). The libraries for it lie in glibc/
# of the build folder, where targets/NativeAot.props finds them. With another C library there are none.
set(EL_GLIBC ${CMAKE_BINARY_DIR}/glibc)
set(EL_GLIBC_COMPILER ${CMAKE_C_COMPILER})
if(CMAKE_C_COMPILER_TARGET)
  list(APPEND EL_GLIBC_COMPILER --target=${CMAKE_C_COMPILER_TARGET} -fuse-ld=lld)
endif()
include(CheckSymbolExists)
check_symbol_exists(__GLIBC__ features.h EL_GLIBC_FOUND)
if(EL_GLIBC_FOUND)
  add_custom_command(OUTPUT ${EL_GLIBC}/libm.so ${EL_GLIBC}/libpthread.so ${EL_GLIBC}/libdl.so ${EL_GLIBC}/librt.so
      COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/old-symbols.sh ${EL_GLIBC} ${EL_GLIBC_COMPILER}
      DEPENDS ${CMAKE_CURRENT_LIST_DIR}/old-symbols.sh VERBATIM)
  add_custom_target(el_glibc DEPENDS ${EL_GLIBC}/libm.so)
endif()

function(el_link_old_glibc target)
  if(TARGET el_glibc)
    add_dependencies(${target} el_glibc)
    target_link_directories(${target} PRIVATE ${EL_GLIBC})
    target_link_libraries(${target} PRIVATE -Wl,--as-needed m pthread dl rt)
  endif()
endfunction()
