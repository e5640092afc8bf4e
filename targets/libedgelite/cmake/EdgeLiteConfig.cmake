# find_package(EdgeLite): the target EdgeLite::edgelite, the library and the header that ./build.sh puts beside this file's folder.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(_edgelite_rid linux-x64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(_edgelite_rid linux-arm64)
else()
  set(_edgelite_rid "linux-${CMAKE_SYSTEM_PROCESSOR}")
endif()
get_filename_component(_edgelite_root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(_edgelite_library "${_edgelite_root}/${_edgelite_rid}/libedgelite.so")
if(NOT EXISTS "${_edgelite_library}")
  set(EdgeLite_FOUND FALSE)
  set(EdgeLite_NOT_FOUND_MESSAGE "There is no ${_edgelite_library}: ./build.sh ${_edgelite_rid} makes it.")
  return()
endif()
if(NOT TARGET EdgeLite::edgelite)
  add_library(EdgeLite::edgelite SHARED IMPORTED)
  set_target_properties(EdgeLite::edgelite PROPERTIES
    IMPORTED_LOCATION "${_edgelite_library}"
    IMPORTED_NO_SONAME TRUE
    INTERFACE_INCLUDE_DIRECTORIES "${_edgelite_root}/include")
endif()
