"""The limits that the promises rest on, each named once.

Within them no retrieval is lost and none is paid for twice. The code waits them out, and tests strike up to them.
All are in seconds.
"""

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20

CALL_SECONDS = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS
"""A call that can't be repeated is given up after this long."""

REPEATED_CONNECT_TIMEOUT_SECONDS = 3
REPEATED_READ_TIMEOUT_SECONDS = 9
REPEATED_TRIES = 3

REPEATED_CALL_SECONDS = (REPEATED_CONNECT_TIMEOUT_SECONDS + REPEATED_READ_TIMEOUT_SECONDS + 2) * REPEATED_TRIES
"""A call that may be repeated is given up after this long, with all its tries and the pauses between them."""

CLAIM_SECONDS = 60
"""For so long an attempt, or a purchase, belongs to whoever claimed it."""

NETWORK_SECONDS = 60
"""A call that was sent takes effect within this, whether its reply arrives or not."""

CLOCK_SKEW_SECONDS = 30
"""The clocks of two functions, and of Glacier, differ by no more."""

LISTING_LAG_SECONDS = 300
"""A started job is in ListJobs, and a bought unit in ListProvisionedCapacity, after this long."""

FUNCTION_TIMEOUT_SECONDS = 60
"""The time-out of each function but reconcile, which buys and starts nothing."""

SETTLED_AFTER_CLAIM_SECONDS = NETWORK_SECONDS + 2 * CLOCK_SKEW_SECONDS + LISTING_LAG_SECONDS
"""After the end of a claim: what a listing does not show then never happened."""

TICK_SECONDS = 300
"""How often the schedules run reconcile and top_up."""

RESUME_DELAY_AT_MOST_SECONDS = 900
"""SQS's longest DelaySeconds: a wait that is over sooner is resumed by the queue, a longer one by reconcile."""

RESUME_GRACE_SECONDS = 120
"""How late a resume message may be before reconcile takes it for lost and sends another."""

OUTPUT_KEPT_SECONDS = 24 * 3600
"""Glacier keeps a job and its output for at least this long after completion."""

OUTPUT_WORTH_JOINING_SECONDS = 6 * 3600
"""A finished retrieval is joined only while its output stays available at least this much longer."""

OPEN_AT_MOST_SECONDS = 90 * 24 * 3600
"""A retrieval that could not be started for so long fails, so that every record has an end."""

MESSAGE_LIVES_SECONDS = 28 * 24 * 3600
"""14 days from its sending, some of them in the dead-letter queue; and 14 more once it was redriven from there."""

REQUEST_KEPT_SECONDS = OPEN_AT_MOST_SECONDS + MESSAGE_LIVES_SECONDS + 7 * 24 * 3600
"""From its arrival. It outlives the end of its retrieval by more than any message can live."""

RETRIEVAL_KEPT_SECONDS = REQUEST_KEPT_SECONDS + 7 * 24 * 3600
"""From its end. Longer than the records of its requests, so that none of them finds it gone."""

DENIED_AT_MOST_SECONDS = 48 * 3600
"""A missing permission is a fault of the deployment: so long it has to be mended before retrievals fail."""

PURCHASE_IN_DOUBT_SECONDS = 12 * 3600
"""Long beyond the other bounds: so long a purchase that had no reply may still turn out to have bought a unit."""

LISTING_CARRIED_ON_SECONDS = 12 * 3600
"""So long a listing that takes more than one run is carried on: half as long as a job is kept after its end."""

LOST_AT_MOST = 4
"""So many jobs of one retrieval may vanish, or stay unknown, before it fails."""

UNCONFIRMED_DELAYS_SECONDS = (0, 3600, 6 * 3600)
"""Before the next attempt after each start that came to nothing: together they outlast most outages of Glacier."""

REQUESTS_AT_MOST = 100
"""So many requests share one record; a further one opens another."""

PAGES_AT_MOST = 1000
"""So many pages of one inventory are followed; the event says where to go on."""
