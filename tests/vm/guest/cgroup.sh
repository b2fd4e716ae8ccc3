# shellcheck shell=dash

# give_controllers GROUP: everything that the group has, to its children. One by one: a combined write is all or nothing.
give_controllers() {
    tr ' ' '\n' <"$1/cgroup.controllers" | while read -r controller; do
        echo "+$controller" >"$1/cgroup.subtree_control"
    done
}
