unit_test(entrypoint_kernel_text decisions)
unit_test(entrypoint_apply entrypoint)
unit_test(entrypoint_plan entrypoint config lib::jansson)
