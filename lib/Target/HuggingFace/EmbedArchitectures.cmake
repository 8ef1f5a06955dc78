# Writes OUTPUT, an initializer list of {file name, contents} of the JSON files
# in FILES, so that the compiler needs no data files beside it.
set(text "// Made by EmbedArchitectures.cmake from architectures/*.json.\n")
string(REPLACE "," ";" FILES "${FILES}")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" contents)
  string(APPEND text "{\"${name}\", R\"json(${contents})json\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
