unit_test(base_text base)
unit_test(base_file base)
unit_test(base_log base)
unit_test(base_environment base)
