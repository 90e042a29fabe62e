Feature: a policy over pods
  Scenario: every pod names its image
    Given I have runpod_pod defined
    Then it must contain image

  Scenario: every network volume says where it is
    Given I have runpod_network_volume defined
    Then it must contain data_center
