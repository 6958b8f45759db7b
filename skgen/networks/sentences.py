"""Networks of sentences: what makes vectors of them, and what says the sentences around them."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "SentenceDecoder",
    "SentenceEncoder",
    "SentenceMatcher",
    "counts_of",
    "pad",
    "thinned",
]

# Steps of padded sentences that a recurrent network takes at once to infer.
_STEPS_AT_ONCE = 1 << 15


class SentenceEncoder(nn.Module):
    """A vector of every sentence, by its words.

    Parameters
    ----------
    n_words : int
        Words in the vocabulary. The number that follows theirs is that of unknown words.

    n_components : int
        Length of a sentence's vector.

    n_word_components : int
        Length of a word's vector; ``n_components`` for a bag.

    kind : {'bag', 'gru', 'lstm'}
        How the words come together: in no order, or one after the other.

    pooling : {'mean', 'max', 'last'}
        What of the words, or of the states after each of them, makes the sentence.

    max_length : int or None
        Words that a recurrent network reads at most.

    weights : Tensor of shape (n_words,)
        How long the vectors of words are at first.
    """

    def __init__(
        self,
        n_words: int,
        n_components: int,
        n_word_components: int,
        kind: str,
        pooling: str,
        max_length: int | None,
        weights: Tensor,
    ):
        super().__init__()
        size = n_components if kind == "bag" else n_word_components
        vectors = torch.randn(n_words + 1, size) / size**0.5
        vectors[:-1] *= weights[:, None].to(vectors)
        self.words = nn.Parameter(vectors)
        self.added: Tensor  # words that came to the vocabulary after training
        self.register_buffer("added", torch.zeros(0, size))
        self.recurrent = None
        if kind != "bag":
            network = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
            self.recurrent = network(size, n_components, batch_first=True)
        self.n_components = n_components
        self.pooling = pooling
        self.max_length = max_length

    @property
    def n_known(self) -> int:
        """The number of words in the vocabulary."""
        return len(self.words) - 1 + len(self.added)

    def table(self) -> Tensor:
        """Return the vectors of the vocabulary, and that of unknown words."""
        if not len(self.added):
            return self.words
        return torch.cat([self.words[:-1], self.added, self.words[-1:]])

    def forward(self, lengths: Tensor, words: Tensor) -> Tensor:
        """Return the vectors of sentences: zeros where there is no known word."""
        known = words < self.n_known
        n_known = counts_of(lengths, known)
        if self.recurrent is None:
            return self._bag(n_known, words[known])
        if self.training:
            codes = self._read(lengths, words)
        else:
            rows = torch.repeat_interleave(lengths)
            codes = torch.empty(len(lengths), self.n_components, device=lengths.device)
            for part in _of_like_length(lengths, self.max_length):
                chosen = torch.zeros(len(lengths), dtype=torch.bool, device=lengths.device)
                chosen[part] = True
                codes[chosen] = self._read(lengths[chosen], words[chosen[rows]])
        return codes * (n_known > 0)[:, None]

    def _bag(self, lengths: Tensor, words: Tensor) -> Tensor:
        starts = lengths.cumsum(0) - lengths
        pooling = "max" if self.pooling == "max" else "mean"
        return functional.embedding_bag(words, self.table(), starts, mode=pooling)

    def _read(self, lengths: Tensor, words: Tensor) -> Tensor:
        unknown = self.n_known
        padded, is_there = pad(lengths, words, unknown, self.max_length)
        states, _ = self.recurrent(functional.embedding(padded, self.table()))  # type: ignore[misc]
        if self.pooling == "last":
            last = is_there.sum(dim=1).clamp(min=1) - 1
            return states[torch.arange(len(states), device=states.device), last]
        if self.pooling == "max":
            return states.masked_fill(~is_there[..., None], -torch.inf).amax(dim=1).clamp(min=-1)
        mean = (states * is_there[..., None]).sum(dim=1)
        return mean / is_there.sum(dim=1, keepdim=True).clamp(min=1)


class SentenceMatcher(nn.Module):
    """How likely sentences are neighbors, by the angle between their vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())

    def forward(self, codes: Tensor, others: Tensor) -> Tensor:
        """Return logits: (n_sentences, n_others)."""
        cosines = functional.normalize(codes, dim=1) @ functional.normalize(others, dim=1).T
        return cosines * self.log_scale.exp()


class SentenceDecoder(nn.Module):
    """Says a sentence, word by word, given the vector of another.

    Parameters
    ----------
    n_words : int
        Words in the vocabulary. The following number is that of unknown words, and the one after
        that stands for the end of a sentence.

    n_components : int
        Length of a sentence's vector, and of the state.

    n_word_components : int
        Length of a word's vector.

    kind : {'gru', 'lstm'}
        The recurrent network.

    noise : Tensor of shape (n_words + 2,)
        How likely every word is to be drawn as noise; of any sum.

    n_noise : int or None
        How many words that are drawn at random a word is told apart from. None stands for all.
    """

    def __init__(
        self,
        n_words: int,
        n_components: int,
        n_word_components: int,
        kind: str,
        noise: Tensor,
        n_noise: int | None,
    ):
        super().__init__()
        self.words = nn.Embedding(n_words + 2, n_word_components)
        network = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.recurrent = network(n_word_components + n_components, n_components, batch_first=True)
        self.out = nn.Linear(n_components, n_words + 2)
        self.n_noise = None if n_noise is None or n_noise >= n_words else n_noise
        self.log_noise: Tensor
        self.register_buffer("log_noise", (noise / noise.sum()).log().float())
        # How frequent words are need not be learned.
        self.out.bias.data.copy_(self.log_noise)

    @property
    def end(self) -> int:
        """The number of the end of a sentence."""
        return len(self.log_noise) - 1

    def losses(
        self, codes: Tensor, lengths: Tensor, words: Tensor, max_length: int | None
    ) -> Tensor:
        """Return the cross-entropy of every word of the sentences, and of their ends."""
        there = lengths > 0
        if not there.any():
            return codes.new_zeros(0)
        codes, lengths = codes[there], lengths[there]
        targets, _ = pad(lengths, words.clamp(max=self.end - 1), self.end, max_length, margin=1)
        is_asked = torch.arange(targets.shape[1], device=words.device) <= lengths[:, None]
        before = functional.pad(targets[:, :-1], (1, 0), value=self.end)
        given = codes[:, None].expand(-1, before.shape[1], -1)
        states, _ = self.recurrent(torch.cat([self.words(before), given], dim=2))
        states, targets = states[is_asked], targets[is_asked]
        if self.n_noise is None:
            return functional.cross_entropy(self.out(states), targets, reduction="none")
        return self._sampled(states, targets, self.n_noise)

    def _sampled(self, states: Tensor, targets: Tensor, n_noise: int) -> Tensor:
        """Return the cross-entropy, of which noise that all words share stands for the other words.

        The sum over all words is estimated by that over the noise, each divided by how often it is
        drawn on average.
        """
        drawn = torch.multinomial(self.log_noise.exp(), n_noise, replacement=True)
        weight, bias = self.out.weight, self.out.bias
        right = (states * weight.index_select(0, targets)).sum(dim=1) + bias[targets]
        counts = self.log_noise[drawn] + math.log(n_noise)
        wrong = states @ weight.index_select(0, drawn).T + (bias[drawn] - counts)
        wrong = wrong.masked_fill(drawn == targets[:, None], -torch.inf)
        return torch.logsumexp(torch.cat([right[:, None], wrong], dim=1), dim=1) - right

    def write(self, codes: Tensor, max_length: int, temperature: float) -> Tensor:
        """Return the words of likely sentences, the number of the end from there on.

        Parameters
        ----------
        codes : Tensor of shape (n_sentences, n_components)
            Vectors of sentences.

        max_length : int
            Words at most.

        temperature : float
            0 takes the likeliest word. Otherwise words are drawn, logits divided by this.
        """
        state, word = None, codes.new_full((len(codes),), self.end, dtype=torch.long)
        written: list[Tensor] = []
        for _ in range(max_length):
            step = torch.cat([self.words(word), codes], dim=1)[:, None]
            output, state = self.recurrent(step, state)
            logits = self.out(output[:, 0])
            logits[:, self.end - 1] = -torch.inf  # nobody can read an unknown word
            following = logits.argmax(dim=1)
            if temperature:
                # The largest becomes 0, so that no divisor is too small.
                logits -= logits.amax(dim=1, keepdim=True)
                likely = (logits / temperature).softmax(dim=1)
                following = torch.multinomial(likely, 1)[:, 0]
            word = torch.where(word.eq(self.end) & (len(written) > 0), self.end, following)
            written.append(word)
        return torch.stack(written, dim=1)


def pad(
    lengths: Tensor, words: Tensor, value: int, max_length: int | None, margin: int = 0
) -> tuple[Tensor, Tensor]:
    """Return words as a matrix of a sentence a row, filled up by a value, and where words are."""
    starts = lengths.cumsum(0) - lengths
    if max_length is not None:
        lengths = lengths.clamp(max=max_length)
    longest = max(1, int(lengths.max())) if len(lengths) else 1
    steps = torch.arange(longest + margin, device=words.device)
    is_there = steps < lengths[:, None]
    places = (starts[:, None] + steps)[is_there]
    padded = words.new_full(is_there.shape, value)
    padded[is_there] = words[places]
    return padded, is_there


def thinned(lengths: Tensor, words: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return sentences that lack a share of their words, drawn at random."""
    if not share:
        return lengths, words
    kept = torch.rand(len(words), device=words.device) >= share
    return counts_of(lengths, kept), words[kept]


def counts_of(lengths: Tensor, chosen: Tensor) -> Tensor:
    """Return how many words of every sentence are chosen."""
    rows = torch.repeat_interleave(lengths)
    return torch.zeros_like(lengths).index_add_(0, rows, chosen.long())


def _of_like_length(lengths: Tensor, max_length: int | None) -> list[Tensor]:
    """Return numbers of sentences in groups of like length, of which none takes much memory."""
    order = lengths.argsort()
    groups, start = [], 0
    longest = lengths[order].clamp(min=1, max=max_length).tolist()
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * longest[end] <= _STEPS_AT_ONCE:
            end += 1
        groups.append(order[start:end])
        start = end
    return groups
