"""What a facility may say about datasets: techniques, and metadata models that become routes, fields and labels."""

from beamtorch_catalogue.vocabulary.loading import FacilityVocabulary
from beamtorch_catalogue.vocabulary.metadata_model import MetadataModel
from beamtorch_catalogue.vocabulary.registry import ModelFacet, Models
from beamtorch_catalogue.vocabulary.techniques import SHIPPED, Technique, Techniques

__all__ = ["SHIPPED", "FacilityVocabulary", "MetadataModel", "ModelFacet", "Models", "Technique", "Techniques"]
