add_executable(certs_tool certs_tool.c)
target_link_libraries(certs_tool PRIVATE project_options certs)

unit_test(certs_names certs lib::openssl)
unit_test(certs_decide certs)
unit_test(certs_key certs lib::openssl)
unit_test(certs_issue certs lib::openssl)
unit_test(certs_inspect certs lib::openssl)
unit_test(certs_store certs)
