add_executable(certs_tool certs_tool.c)
target_link_libraries(certs_tool PRIVATE project_options certs)
