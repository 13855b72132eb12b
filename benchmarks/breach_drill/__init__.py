"""The breach drill: publish the sample, steal everything, attack it, and look for canaries."""
