#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stages on two hosts find each other, by the beacon alone or by the address of a name service.

usage: hosts_test.py STAGE_PEER
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hosts  # noqa: E402


def stage(host, domain, role, name, *arguments):
    return hosts.Peer(host, sys.argv[1], domain, role, name, *arguments)


def check_flow(producer, consumer):
    assert producer.ask("subscribers 1", "subscribed") == "subscribed"
    producer.say("ingest 100 t")
    assert producer.ask("drain", "drained") == "drained"
    for number in range(100):
        assert consumer.line("event") == f"event t p#{number}"
    assert consumer.ask("stats", "stats") == "stats received 100 lost 0 unknown 0 malformed 0"


def a_consumer_finds_a_producer_on_another_host_by_the_beacon_alone(a, b, domain):
    check_flow(stage(a, domain, "producer", "p"), stage(b, domain, "consumer", "c", "--from=p"))


def a_consumer_that_waits_on_one_host_is_served_by_a_producer_that_starts_on_another(a, b, domain):
    consumer = stage(a, domain, "consumer", "c", "--from=p")
    consumer.line("state p searching")
    check_flow(stage(b, domain, "producer", "p"), consumer)


def the_address_of_a_name_service_is_enough(a, b, domain):
    service = stage(a, domain, "names", "service")
    port = service.line("serving").split(":")[-1]
    names = f"--names=tcp://10.77.0.1:{port}"
    check_flow(stage(b, domain, "producer", "p", names), stage(a, domain, "consumer", "c", "--from=p", names))


def one_interface_is_enough(a, b, domain):
    check_flow(stage(a, domain, "producer", "p", "--interface=eth0"),
               stage(b, domain, "consumer", "c", "--from=p", "--interface=eth0"))


def a_cable_that_is_pulled_loses_the_producer_and_plugged_in_again_it_is_found(a, b, domain):
    producer = stage(a, domain, "producer", "p", "--liveness_ms=1000")
    consumer = stage(b, domain, "consumer", "c", "--from=p", "--liveness_ms=1000")
    check_flow(producer, consumer)
    a.plug(False)
    consumer.line("state p lost")
    a.plug(True)
    consumer.line("state p connected", 60)
    assert producer.ask("subscribers 1", "subscribed") == "subscribed"
    producer.say("send t again")
    assert consumer.line("event") == "event t again"


sys.exit(hosts.run([
    a_consumer_finds_a_producer_on_another_host_by_the_beacon_alone,
    a_consumer_that_waits_on_one_host_is_served_by_a_producer_that_starts_on_another,
    the_address_of_a_name_service_is_enough,
    one_interface_is_enough,
    a_cable_that_is_pulled_loses_the_producer_and_plugged_in_again_it_is_found,
]))
