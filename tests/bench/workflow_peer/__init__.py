"""The benchmark's second peer: what a user would pick instead, Dapr Workflow in native Python.

Only counter-api differs from the other peer (`tests/bench/peer/`): the same routes, contracts,
stores and indexes, but an order is seen through by a workflow of Dapr's own engine.

    place     the menu, the index entry and the order as in the other peer; then the workflow is
              scheduled, and the POS is answered when the engine has it
    workflow  one activity publishes to the stations; external events, which the subscriptions
              raise, are awaited with a time-out each; one activity saves the ended order

Nothing here slows it down. As Dapr's documentation recommends, activities are asynchronous, clients
are reused, inputs are small, and the engine's state is in the store that is there already. The menu
is no activity, because the POS waits for it: an activity takes two more turns of the engine. Ended
workflows are kept: to purge them would cost more.
"""
