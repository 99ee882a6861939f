//! What is streamed at the pace of its reader: little of it waits in memory, whoever
//! stands still is left, and what is broken off does not end as if it were whole.

use std::time::Duration;

use tokio::{
    sync::{mpsc, watch},
    time,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{places::Place, record::RETRY_AFTER, refusal::Refusal};

/// Longest time that the other end may stand still.
pub(crate) const STILL_MAX: Duration = Duration::from_secs(60);

/// Longest time that the whole of what is at hand may take.
const WHOLE_MAX: Duration = Duration::from_secs(15 * 60);

/// Messages that wait for a slow reader.
const WAITING: usize = 1;

/// What a stream is sent as.
pub(crate) type Stream<T> = ReceiverStream<Result<T, Status>>;

/// The sending end.
#[derive(Debug)]
pub(crate) struct Trickle<T> {
    messages: mpsc::Sender<Result<T, Status>>,
    /// For what broke it off, behind what was sent before.
    last: Option<mpsc::OwnedPermit<Result<T, Status>>>,
    stopped: watch::Receiver<bool>,
}

impl<T> Trickle<T> {
    /// One that ends when the gateway stops.
    pub(crate) fn new(stopped: watch::Receiver<bool>) -> (Self, Stream<T>) {
        // One place more than is ever filled, for how it ends.
        let (messages, stream) = mpsc::channel(WAITING + 1);
        let trickle = Self {
            last: messages.clone().try_reserve_owned().ok(),
            messages,
            stopped,
        };
        (trickle, ReceiverStream::new(stream))
    }

    /// Sends one message, once there is room for it.
    ///
    /// # Errors
    /// The reader has left or stands still, or the gateway stops.
    pub(crate) async fn send(&mut self, message: T) -> Result<(), Refusal> {
        let interrupted = |why| Refusal::Interrupted {
            why,
            retry_after: RETRY_AFTER,
        };
        tokio::select! {
            sent = time::timeout(STILL_MAX, self.messages.send(Ok(message))) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(interrupted("the reader left")),
                Err(_) => Err(interrupted("nothing was taken for a minute")),
            },
            _ = self.stopped.wait_for(|stop| *stop) => Err(interrupted("the gateway stops")),
        }
    }

    /// Ends the stream, and says why where that is not its end.
    pub(crate) fn end(self, sent: Result<(), Refusal>) {
        if let (Err(refusal), Some(last)) = (sent, self.last) {
            last.send(Err(refusal.into()));
        }
    }
}

/// Sends messages that are at hand, in a place that is given back once they are sent.
pub(crate) fn all<T: Send + 'static>(
    messages: Vec<T>,
    stopped: watch::Receiver<bool>,
    place: Place,
) -> Stream<T> {
    let (mut trickle, stream) = Trickle::new(stopped);
    tokio::spawn(async move {
        let _place = place;
        let send = async {
            for message in messages {
                trickle.send(message).await?;
            }
            Ok(())
        };
        let late = Refusal::Interrupted {
            why: "it was not taken within a quarter of an hour",
            retry_after: RETRY_AFTER,
        };
        let sent = time::timeout(WHOLE_MAX, send).await;
        trickle.end(sent.unwrap_or(Err(late)));
    });
    stream
}
